"""Values of log options with which docker starts no container."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from anywhere.taskdef.rule import EC2, EXTERNAL, Case, Mark, fail, over, put, remove, warn
from anywhere.taskdef.rules import logforms as forms
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+\Z")
MOST_STREAM = 512
_GROUP = re.compile(r"[\w./#-]{1,512}\Z", re.ASCII)


_FLAG = (forms.is_flag, "write true or false")
_COUNT = (forms.is_positive, "write a number above 0")
_LEVEL = (forms.is_level, "write a number from -1 to 9")
_TIME = (forms.is_time, "write a duration, for example 5s")
_NUMBER = (forms.is_count, "write a number of 0 or more")
_SIZE = (forms.is_size, "write a size, for example 8m")
_PATTERN = (
    forms.is_go_pattern,
    "write an expression of Go (RE2), with its brackets closed and without lookahead, lookbehind and backreferences",
)
# Drivers that read the expressions which choose labels and variables. Source: moby, daemon/logger, ExtraAttributes.
_WITH_ATTRIBUTES = ("fluentd", "gelf", "journald", "json-file", "splunk")
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *(f"local{number}" for number in range(8)),
    *(str(number) for number in range(24)),
)
# Driver and option: what holds of its value, and what to write. Source: moby, daemon/logger/*, New and ValidateLogOpt. Of
# awsfirelens the agent makes docker's fluentd (amazon-ecs-agent, getFirelensLogConfig).
_VALUES: Mapping[str, Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "awslogs": {
        "awslogs-create-group": _FLAG,
        "awslogs-create-stream": _FLAG,
        "awslogs-force-flush-interval-seconds": _COUNT,
        "awslogs-max-buffered-events": _COUNT,
        "awslogs-format": (forms.one_of("json/emf"), "write json/emf, or take it out"),
        "awslogs-multiline-pattern": _PATTERN,
    },
    "awsfirelens": {"log-driver-buffer-limit": _SIZE},
    "json-file": {"max-file": _COUNT, "compress": _FLAG},
    "gelf": {
        "gelf-address": (forms.is_gelf, "write udp://HOST:PORT or tcp://HOST:PORT"),
        "gelf-compression-type": (forms.one_of("gzip", "zlib", "none"), "write gzip, zlib or none"),
        "gelf-compression-level": _LEVEL,
        "gelf-tcp-max-reconnect": _NUMBER,
        "gelf-tcp-reconnect-delay": _NUMBER,
    },
    "fluentd": {
        "fluentd-address": (forms.is_fluentd, "write HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"),
        "fluentd-async": _FLAG,
        "fluentd-async-connect": _FLAG,
        "fluentd-async-reconnect-interval": (forms.is_reconnect, "write a duration from 100ms to 10s, or 0"),
        "fluentd-buffer-limit": _SIZE,
        "fluentd-retry-wait": (forms.is_duration, "write a duration, for example 1s"),
        "fluentd-max-retries": _NUMBER,
        "fluentd-sub-second-precision": _FLAG,
        "fluentd-request-ack": _FLAG,
        "fluentd-write-timeout": _TIME,
        "fluentd-read-timeout": _TIME,
    },
    "syslog": {
        "syslog-address": (forms.is_syslog, "write udp://HOST:PORT, tcp://HOST:PORT or tcp+tls://HOST:PORT"),
        "syslog-facility": (forms.one_of(*_FACILITIES), "write a facility, for example daemon or local0"),
        "syslog-format": (forms.one_of("rfc3164", "rfc5424", "rfc5424micro"), "write rfc3164, rfc5424 or rfc5424micro"),
    },
    "splunk": {
        "splunk-url": (forms.is_splunk, "write https://HOST:PORT, without a path"),
        "splunk-format": (forms.one_of("inline", "json", "raw"), "write inline, json or raw"),
        "splunk-gzip-level": _LEVEL,
        "splunk-gzip": _FLAG,
        "splunk-insecureskipverify": _FLAG,
        "splunk-verify-connection": _FLAG,
        "splunk-index-acknowledgment": _FLAG,
    },
}
# The protocol of gelf-address without which docker refuses an option.
_GELF = {
    "gelf-compression-type": "udp",
    "gelf-compression-level": "udp",
    "gelf-tcp-max-reconnect": "tcp",
    "gelf-tcp-reconnect-delay": "tcp",
}


def values(case: Case, driver: str, options: Node) -> Iterator[Mark]:
    """What docker refuses of these options; of Fargate's own logger it is not established."""
    yield from over(map(options.at, _forms(driver)), lambda field: _value(case, driver, field), quiet=True)
    if driver == "json-file" and case.launch in (EXTERNAL, EC2):
        yield from over([options], _compressed, quiet=True)
    if driver == "gelf" and case.launch in (EXTERNAL, EC2):
        yield from over(map(options.at, _GELF), lambda field: _of_protocol(field, options), quiet=True)
    if driver == "fluentd" and case.launch in (EXTERNAL, EC2):
        yield from over([options.at("fluentd-async-connect")], lambda field: _removed(field, options), quiet=True)
    if driver == "awslogs":
        yield from over([options.at("awslogs-region")], _region, quiet=True)
        yield from over([options.at("awslogs-group")], _group, quiet=True)
        yield from over((options.at("awslogs-stream-prefix"), options.at("awslogs-stream")), _stream, quiet=True)


def _forms(driver: str) -> Mapping[str, tuple[Callable[[str], bool], str]]:
    attributes = {"labels-regex": _PATTERN, "env-regex": _PATTERN} if driver in _WITH_ATTRIBUTES else {}
    return {**_VALUES.get(driver, {}), **attributes}


def _value(case: Case, driver: str, field: Node) -> Iterator[Mark]:
    text, name = field.text(), field.pointer.rpartition("/")[2]
    holds, advice = _forms(driver)[name]
    if not text or holds(text) or is_placeholder(text):
        return
    say = fail if case.launch in (EXTERNAL, EC2) else warn
    yield say(field, f"{name} is {show(text)}: docker starts no container with it", advice)


def _of_protocol(field: Node, options: Node) -> Iterator[Mark]:
    name = field.pointer.rpartition("/")[2]
    address, wanted = options.at("gelf-address").text(), _GELF[name]
    if field.filled and forms.is_gelf(address) and not address.lower().startswith(f"{wanted}://"):
        text = f"{name} is for {wanted.upper()}, and gelf-address is {show(address)}: docker starts no container"
        yield fail(field, text, "take it out", remove(field))


def _removed(field: Node, options: Node) -> Iterator[Mark]:
    """An option that docker had until release 28. Source: moby, release notes of 28.0.0."""
    if field.present:
        new = options.at("fluentd-async")
        edits = [remove(field)] if new.present else [remove(field), put(new, field.text())]
        text = "docker 28 and newer have no fluentd-async-connect, and start no container with it"
        yield warn(field, text, "write fluentd-async, which docker has since 20.10", *edits)


def _compressed(options: Node) -> Iterator[Mark]:
    switch, files = options.at("compress"), options.at("max-file").text()
    is_one = files in ("", "1")
    if switch.text() in forms.TRUE and (is_one or not options.at("max-size").filled):
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
    elif text.lower().startswith("aws/"):
        why = f"{show(text)}: names of log groups that begin with aws/ belong to AWS"
        yield warn(field, why, f"begin with a slash: /{text}")


def _stream(field: Node) -> Iterator[Mark]:
    text = field.text()
    if text and not is_placeholder(text) and (":" in text or "*" in text or len(text) > MOST_STREAM):
        effect = "the container does not start, or in non-blocking mode runs without logs"
        why = f"{show(text)} is not a name of a log stream: CloudWatch refuses it, and {effect}"
        yield fail(field, why, f"use up to {MOST_STREAM} characters, and neither : nor *")
