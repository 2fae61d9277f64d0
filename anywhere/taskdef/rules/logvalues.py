"""Values of log options with which docker starts no container."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from anywhere.taskdef.rule import EC2, EXTERNAL, Case, Mark, fail, over, warn
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

# Go's strconv.ParseBool.
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FLAGS = (*_TRUE, "0", "f", "F", "FALSE", "false", "False")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+\Z")
_GROUP = re.compile(r"[\w./#-]{1,512}\Z", re.ASCII)


def _is_flag(text: str) -> bool:
    return text in _FLAGS


def _is_positive(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


def _is_gelf(text: str) -> bool:
    return re.match(r"(?i)(?:udp|tcp)://(?:\[[^\]]+\]|[^/:]+):\d+(?:/.*)?\Z", text) is not None


def _is_syslog(text: str) -> bool:
    return text.startswith(("udp://", "tcp://", "tcp+tls://", "unix://", "unixgram://"))


def _is_url(text: str) -> bool:
    return re.match(r"https?://[^/]+", text) is not None


_FLAG = (_is_flag, "write true or false")
_COUNT = (_is_positive, "write a number above 0")
# Driver and option: what holds of its value, and what to write. Source: moby, daemon/logger/*, New and ValidateLogOpt.
_VALUES: Mapping[str, Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "awslogs": {
        "awslogs-create-group": _FLAG,
        "awslogs-create-stream": _FLAG,
        "awslogs-force-flush-interval-seconds": _COUNT,
        "awslogs-max-buffered-events": _COUNT,
        "awslogs-format": (lambda text: text == "json/emf", "write json/emf, or take it out"),
    },
    "json-file": {"max-file": _COUNT, "compress": _FLAG},
    "gelf": {"gelf-address": (_is_gelf, "write udp://HOST:PORT or tcp://HOST:PORT")},
    "syslog": {"syslog-address": (_is_syslog, "write udp://HOST:PORT, tcp://HOST:PORT or tcp+tls://HOST:PORT")},
    "splunk": {
        "splunk-url": (_is_url, "write https://HOST:PORT"),
        "splunk-gzip": _FLAG,
        "splunk-insecureskipverify": _FLAG,
        "splunk-verify-connection": _FLAG,
        "splunk-index-acknowledgment": _FLAG,
    },
}


def values(case: Case, driver: str, options: Node) -> Iterator[Mark]:
    """What docker refuses of these options; of Fargate's own logger it is not established."""
    yield from over(map(options.at, _VALUES.get(driver, {})), lambda field: _value(case, driver, field), quiet=True)
    if driver == "json-file" and case.launch in (EXTERNAL, EC2):
        yield from over([options], _compressed, quiet=True)
    if driver == "awslogs":
        yield from over([options.at("awslogs-region")], _region, quiet=True)
        yield from over([options.at("awslogs-group")], _group, quiet=True)


def _value(case: Case, driver: str, field: Node) -> Iterator[Mark]:
    text, name = field.text(), field.pointer.rpartition("/")[2]
    holds, advice = _VALUES[driver][name]
    if not text or holds(text) or is_placeholder(text):
        return
    say = fail if case.launch in (EXTERNAL, EC2) else warn
    yield say(field, f"{name} is {show(text)}: docker starts no container with it", advice)


def _compressed(options: Node) -> Iterator[Mark]:
    switch, files = options.at("compress"), options.at("max-file").text()
    is_one = files in ("", "1")
    if switch.text() in _TRUE and (is_one or not options.at("max-size").filled):
        text = "compress needs max-size and a max-file of 2 or more: docker starts no container without"
        # What is not here may be in daemon.json, whose log-opts count where json-file is docker's own driver too.
        say = fail if files == "1" else warn
        text += "" if files == "1" else ", unless daemon.json sets them"
        yield say(switch, text, "set max-size, for example 10m, and max-file, for example 3")


def _region(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not _REGION.match(text) and not is_placeholder(text):
        yield warn(field, f"{show(text)} is not a region", "write a region, for example eu-west-1")


def _group(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not _GROUP.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not a name of a log group"
        yield warn(field, why, "use up to 512 letters, digits, and . - _ / #")
