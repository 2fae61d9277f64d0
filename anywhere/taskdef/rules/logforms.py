"""Forms that docker's log drivers and Go's library read: flags, counts, durations, sizes, addresses, expressions."""

from __future__ import annotations

import re
from collections.abc import Callable

from anywhere.documents.numbers import whole

# Go's strconv.ParseBool.
TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FLAGS = (*TRUE, "0", "f", "F", "FALSE", "false", "False")
# Go's time.ParseDuration, and the units in seconds.
_DURATION = re.compile(r"(-|\+)?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
# docker/go-units, RAMInBytes.
_SIZE = re.compile(r"\d+(?:\.\d+)?\s?(?:[kmgtp]?i?b?)\Z", re.IGNORECASE | re.ASCII)
# What Go's expressions do not have, outside of quotes and classes: lookaround, atomic groups and backreferences.
_QUOTED = r"\\Q.*?(?:\\E|\Z)"
_CLASS = r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]"
_FOREIGN = r"\(\?(?:[=!>]|<[=!]|P[=>])|\\[1-9](?![0-7])"
_TOKEN = re.compile(rf"(?s){_QUOTED}|(?P<foreign>{_FOREIGN})|\\.|{_CLASS}")
MOST_PATTERN = 2000

Form = Callable[[str], bool]


def is_flag(text: str) -> bool:
    """What strconv.ParseBool reads."""
    return text in _FLAGS


def is_positive(text: str) -> bool:
    """A whole number above 0."""
    return bool(whole(text))


def is_count(text: str) -> bool:
    """A whole number of 32 bits that is not negative."""
    return (number := whole(text)) is not None and number < 2**32


def is_level(text: str) -> bool:
    """A level of compress/flate: -1 to 9."""
    return text == "-1" or ((number := whole(text)) is not None and number <= 9)


def is_size(text: str) -> bool:
    """What docker reads as a size, such as 25m."""
    return _SIZE.match(text) is not None


def is_duration(text: str) -> bool:
    """What time.ParseDuration reads, such as 500ms."""
    return _DURATION.match(text) is not None


def is_time(text: str) -> bool:
    """A duration that is not negative."""
    return is_duration(text) and not text.startswith("-")


def is_reconnect(text: str) -> bool:
    """A duration of 0, or of 100 ms to 10 s."""
    if not is_time(text):
        return False
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return seconds == 0 or 0.1 <= round(seconds, 9) <= 10


def one_of(*values: str) -> Form:
    """The form of a value from a list."""
    return lambda text: text in values


def is_gelf(text: str) -> bool:
    """`udp://HOST:PORT` or `tcp://HOST:PORT`."""
    return re.match(r"(?i)(?:udp|tcp)://(?:\[[^\]]+\]|[^/:]+):\d+(?:/.*)?\Z", text) is not None


def is_syslog(text: str) -> bool:
    """An address with a protocol that the driver has."""
    return text.startswith(("udp://", "tcp://", "tcp+tls://", "unix://", "unixgram://"))


def is_fluentd(text: str) -> bool:
    """`HOST:PORT` with or without tcp:// or tls://, or the path of a socket behind unix://."""
    scheme, separator, rest = text.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("tcp", text)
    if scheme == "unix":
        return rest.partition("/")[2].strip("/") != ""
    place = re.match(r"(?:[^@/]*@)?(?:\[[^\]/]+\]|[^:/]*)(?::(\d*))?\Z", rest)
    return scheme in ("tcp", "tls") and place is not None and (not place[1] or int(place[1][:9]) < 2**16)


def is_splunk(text: str) -> bool:
    """`https://HOST:PORT` without a path, a query or a fragment."""
    return re.match(r"(?i)https?://[^/?#]+/?\Z", text) is not None


def is_go_pattern(text: str) -> bool:
    """Whether Go may compile an expression: false only for what it certainly refuses. Source: RE2's syntax."""
    if len(text) > MOST_PATTERN:
        return True
    if any(token["foreign"] for token in _TOKEN.finditer(text)):
        return False
    depth = 0
    for sign in _TOKEN.sub("", text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "[" or depth < 0:  # complete classes are gone
            return False
    return depth == 0
