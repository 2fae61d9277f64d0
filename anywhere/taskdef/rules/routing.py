"""Rules on the options of log drivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anywhere.taskdef.rule import EC2, EVERY, EXTERNAL, Case, Mark, fail, over, remove, rule, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.logforms import is_size
from anywhere.taskdef.rules.logvalues import values
from anywhere.taskdef.shapes.faults import show
from anywhere.taskdef.source.node import Node
from anywhere.taskdef.words import words

# Of every driver: docker's own buffer, and the cache that `docker logs` reads where a driver cannot be read.
# Source: moby, daemon/logger/factory.go and loggerutils/cache/validate.go.
_COMMON = words("mode max-buffer-size cache-disabled cache-max-size cache-max-file cache-compress")
_LABELS = frozenset({"tag", "labels", "labels-regex", "env", "env-regex"})
# The options that each driver of docker takes. Source: moby, daemon/logger/*, ValidateLogOpt; awslogs: API reference too.
OPTIONS: Mapping[str, frozenset[str]] = {
    "awslogs": words(
        "awslogs-create-group awslogs-create-stream awslogs-region awslogs-group awslogs-stream awslogs-stream-prefix awslogs-"
        "datetime-format awslogs-multiline-pattern awslogs-endpoint awslogs-credentials-endpoint awslogs-"
        "force-flush-interval-seconds awslogs-max-buffered-events awslogs-format tag"
    ),
    "json-file": frozenset({"max-size", "max-file", "compress"}) | _LABELS,
    "journald": _LABELS,
    "syslog": words(
        "syslog-address syslog-facility syslog-tls-ca-cert syslog-tls-cert syslog-tls-key syslog-tls-skip-"
        "verify syslog-format"
    )
    | _LABELS,
    "gelf": words(
        "gelf-address gelf-compression-type gelf-compression-level gelf-tcp-max-reconnect gelf-tcp-reconnect-delay"
    )
    | _LABELS,
    "fluentd": words(
        "fluentd-address fluentd-async fluentd-async-connect fluentd-async-reconnect-interval fluentd-buffer-"
        "limit fluentd-retry-wait fluentd-max-retries fluentd-sub-second-precision fluentd-request-ack "
        "fluentd-write-timeout fluentd-read-timeout"
    )
    | _LABELS,
    "splunk": words(
        "splunk-token splunk-url splunk-source splunk-sourcetype splunk-index splunk-capath splunk-caname "
        "splunk-insecureskipverify splunk-format splunk-verify-connection splunk-gzip splunk-gzip-level "
        "splunk-index-acknowledgment"
    )
    | _LABELS,
}
# Those of awslogs that ECS documents. Source: API reference, type LogConfiguration; developer guide, using_awslogs.
_OF_ECS = words(
    "awslogs-create-group awslogs-region awslogs-group awslogs-stream-prefix awslogs-datetime-format "
    "awslogs-multiline-pattern mode max-buffer-size"
)
_REQUIRED: Mapping[str, tuple[str, ...]] = {"splunk": ("splunk-token", "splunk-url"), "gelf": ("gelf-address",)}


@rule(
    "taskdef.log-options",
    "options of the log driver",
    scope="container",
    launch=EVERY,
    meaning="Each driver has its own options, and docker does not start a container with an unknown one. awslogs takes a "
    "date format or a pattern for lines that belong together, not both; splunk needs a token and a URL, gelf an "
    "address; sizes are written as 25m; max-buffer-size needs mode non-blocking, compress of json-file a max-size and a "
    "max-file of 2 or more. Flags, counts, durations and addresses have the form that the driver reads. Of awslogs ECS has a "
    "list of its own, and no log stream has : or * in its name.",
    fine="options that the driver has",
    source=f"{sources.API}, type LogConfiguration; {sources.MOBY}, daemon/logger, New, ValidateLogOpt and "
    "ValidateLogOpts; AWS: CloudWatch Logs API reference, CreateLogGroup and CreateLogStream (names); "
    "cisagov/crossfeed#374; Netflix/metaflow#1776; amazon-ecs-agent#418 and #872; "
    "aws-samples/amazon-ecs-firelens-examples#83",
)
def log_options(case: Case, node: Node) -> Iterator[Mark]:
    log = node.at("logConfiguration")
    driver, options = log.at("logDriver").text(), log.at("options")
    known = OPTIONS.get(driver)
    for key in sorted(options.raw) if known and isinstance(options.raw, dict) else ():
        if known is not None and key not in known | _COMMON:
            near = _near(key, known | _COMMON)
            advice = f"write {near}" if near else "take it out"
            yield warn(options.at(key), f"{show(key)} is not an option of {driver}", advice, remove(options.at(key)))
        elif driver == "awslogs" and key not in _OF_ECS and case.node.at("compatibilities").raw is None:
            text = f"docker has {key}, ECS does not document it and was seen to refuse such options of awslogs"
            yield warn(options.at(key), text, "take it out", remove(options.at(key)))
    yield from over([options.at("max-buffer-size"), options.at("max-size")], _size, quiet=True)
    if driver == "awslogs":
        both = [options.at("awslogs-datetime-format"), options.at("awslogs-multiline-pattern")]
        if all(field.filled for field in both):
            text = "awslogs-datetime-format and awslogs-multiline-pattern exclude each other"
            yield fail(both[1], text, "keep one", remove(both[1]))
    hidden = {item.at("name").raw for item in log.at("secretOptions").each()}
    for name in _REQUIRED.get(driver, ()):
        if not options.at(name).filled and name not in hidden:
            yield fail(options, f"{driver} needs the option {name}", f"set {name}")
    yield from values(case, driver, options)
    # The agent keeps the options of awsfirelens from docker.
    if case.launch in (EXTERNAL, EC2) and driver not in ("none", "awsfirelens"):
        yield from over([options], _buffer, quiet=True)


def _near(key: str, known: frozenset[str]) -> str:
    plain = key.lower().replace("-", "").replace("_", "")
    return next((name for name in sorted(known) if name.replace("-", "") == plain), "")


def _buffer(options: Node) -> Iterator[Mark]:
    size = options.at("max-buffer-size")
    if size.present and options.at("mode").text() == "blocking":
        text = "docker refuses max-buffer-size with mode blocking"
        yield fail(size, text, "use mode non-blocking, or remove max-buffer-size", remove(size))


def _size(field: Node) -> Iterator[Mark]:
    if field.present and not is_size(field.text()) and field.text() != "-1":
        yield warn(field, f"{show(field.text())} is not a size", "write a number and k, m or g: 25m")
