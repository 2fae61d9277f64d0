"""Placing tasks: never overfull, where the strategy sends them, and "cannot fit" only where it is proven."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from anywhere.errors import BadInput, ParseError
from anywhere.facts.agents.docker import INFO
from anywhere.facts.capacity import HostCapacity, capacity, parse_docker, parse_instances
from anywhere.hosts.base import Answer, Inventory, Listener, Probe, ProbeSpec, Query
from anywhere.model import Stage
from anywhere.taskdef.density import KNOWN, InstanceType, Plan, addresses, density
from anywhere.taskdef.fit.bound import most
from anywhere.taskdef.fit.fit import Wish, fit
from anywhere.taskdef.fit.needs import Need, need
from anywhere.taskdef.fit.pack import DEFAULT, Hosts, Room, Strategy, Task, place
from anywhere.taskdef.source.load import link, load
from tests.support.fakehost import FakeHost
from tests.taskdef.examples import examples

GIB = 2**30


def replayed(tasks: Sequence[Task], rooms: Sequence[Room], places: Sequence[int | None]) -> int:
    """The number of tasks placed, each put through the hosts' own limits once more."""
    hosts = Hosts(rooms)
    for task, where in zip(tasks, places, strict=True):
        if where is not None:
            assert hosts.fits(task, where)
            hosts.put(task, where)
    return sum(where is not None for where in places)


def brute_force(tasks: Sequence[Task], rooms: Sequence[Room]) -> int:
    """The most tasks that fit together, by trying everything."""

    def go(at: int, placed: tuple[int | None, ...]) -> int:
        if at == len(tasks):
            return sum(where is not None for where in placed)
        hosts = Hosts(rooms)
        for task, where in zip(tasks, placed):
            if where is not None:
                hosts.put(task, where)
        able = [host for host in range(len(rooms)) if hosts.fits(tasks[at], host)]
        return max(go(at + 1, (*placed, where)) for where in (*able, None))

    return go(0, ())


ports = st.frozensets(st.tuples(st.sampled_from([80, 81, 82]), st.sampled_from(["tcp", "udp"])), max_size=2)
strategies = st.sampled_from(
    [DEFAULT, (Strategy("binpack", "memory"),), (Strategy("spread", "instanceId"),), (Strategy("random"),)]
)
small_rooms = st.lists(
    st.builds(Room, st.integers(0, 12), st.sampled_from([4, 8, 1000]), st.integers(0, 1), st.sampled_from([1, 2, 95])),
    min_size=1,
    max_size=3,
)
small_tasks = st.lists(
    st.builds(
        Task,
        st.integers(0, 8),
        st.integers(0, 4),
        st.integers(0, 1),
        ports,
        st.frozensets(st.integers(0, 2), max_size=3),
        st.integers(0, 1),
        strategies,
    ),
    max_size=5,
)


@examples(small_tasks, small_rooms)
def test_no_host_is_overfull_and_the_bound_holds_for_every_placement(tasks: list[Task], rooms: list[Room]) -> None:
    known = [replace(task, hosts=frozenset(b for b in task.hosts if b < len(rooms))) for task in tasks]
    places = place(known, rooms)
    assert places == place(known, rooms)
    assert replayed(known, rooms, places) <= brute_force(known, rooms) <= most(known, rooms)
    left = Hosts(rooms)
    for task, where in zip(known, places):
        assert where is not None or not any(left.fits(task, host) for host in task.hosts), "a host had room for it"
        if where is not None:
            left.put(task, where)


def wish(count: int, *strategy: Strategy, **kept: Any) -> Wish:
    return Wish(Need("app", strategy=strategy or DEFAULT, **kept), count)


def three() -> list[HostCapacity]:
    return [
        host("a", attributes={"rack": "1"}),
        host("b", attributes={"rack": "1"}),
        host("c", attributes={"rack": "2"}),
    ]


@pytest.mark.parametrize(
    ("strategy", "placed"),
    [
        ((Strategy("spread", "instanceId"),), {"a": 2, "b": 1, "c": 1}),
        ((Strategy("spread", "attribute:rack"), Strategy("spread", "host")), {"a": 1, "b": 1, "c": 2}),
        ((Strategy("binpack", "memory"),), {"a": 4}),
        ((Strategy("spread", "attribute:rack"), Strategy("binpack", "cpu")), {"a": 2, "c": 2}),
        ((Strategy("random"),), {"a": 2, "b": 1, "c": 1}),
        ((), {"a": 2, "b": 1, "c": 1}),
    ],
)
def test_tasks_go_where_the_strategy_sends_them(strategy: tuple[Strategy, ...], placed: dict[str, int]) -> None:
    (answer,) = fit([wish(4, *strategy, memory=200, cpu=256)], three()).answers
    assert answer.placed == placed


def test_binpack_takes_the_fullest_host_and_a_spread_is_one_service_s() -> None:
    hosts = [host("large", memory=1000), host("small", memory=300)]
    found = fit([wish(3, Strategy("binpack", "memory"), memory=150)], hosts)
    assert found.answers[0].placed == {"small": 2, "large": 1}
    first, second = fit(
        [wish(1, Strategy("spread", "instanceId")), wish(1, Strategy("spread", "instanceId"))], hosts
    ).answers
    assert first.placed == second.placed == {"large": 1}, "another service's tasks do not count"


def test_what_fits_no_placement_is_proven_and_what_fits_another_is_not_denied() -> None:
    hosts = [host("a", memory=12), host("b", memory=12)]
    too_much = fit([wish(1, memory=20), wish(5, memory=6)], hosts)
    assert (too_much.placed, too_much.most, too_much.proven) == (4, 4, True)
    wishes = [wish(3, Strategy("spread", "instanceId"), memory=4), wish(2, Strategy("spread", "instanceId"), memory=6)]
    unlucky = fit(wishes, hosts)
    assert (unlucky.placed, unlucky.most, unlucky.proven) == (4, 5, False), "6+6 and 4+4+4 would be five"
    packed = [wish(3, Strategy("binpack", "memory"), memory=4), wish(2, Strategy("binpack", "memory"), memory=6)]
    assert fit(packed, hosts).placed == 5


def test_more_port_holders_than_hosts_is_proven() -> None:
    found = fit([wish(25, memory=1, ports=frozenset({(80, "tcp")}))], [host(f"h{n}") for n in range(20)])
    assert (found.placed, found.most, found.proven) == (20, 20, True)
    alone = fit([wish(4, memory=1, alone=True)], three())
    assert (alone.placed, alone.most, alone.proven) == (3, 3, True)


def test_daemons_go_first() -> None:
    hosts = [host("a", memory=10), host("b", memory=10)]
    found = fit(
        [wish(2, Strategy("spread", "instanceId"), memory=10), Wish(Need("log", memory=5), 0, every=True)], hosts
    )
    assert [answer.placed for answer in found.answers] == [{}, {"a": 1, "b": 1}]


def test_placing_200_tasks_on_20_hosts_is_quick() -> None:
    hosts = [host(f"h{n}", memory=4000, cpu=8192) for n in range(20)]
    found = fit([wish(20, memory=m, cpu=128, ports=frozenset({(8000 + m, "tcp")})) for m in range(100, 300, 20)], hosts)
    assert (found.placed, found.proven) == (200, True)


def host(name: str, **kept: object) -> HostCapacity:
    values: dict[str, object] = {"memory": 1000, "cpu": 2048, "gpus": 0, "arch": "x86_64"}
    return HostCapacity(name, **(values | kept))


def test_each_left_task_says_what_each_host_lacks() -> None:
    hosts = [
        host("full", memory=100),
        host("arm", arch="arm64"),
        host("busy", ports=frozenset({(8080, "tcp")})),
        host("plain", drivers=frozenset({"json-file"})),
        host("site", attributes={"site": "hall-1"}, drivers=frozenset({"journald"})),
        host("good", drivers=frozenset({"journald"}), attributes={"site": "hall-2"}),
    ]
    wanted = Need(
        "app",
        memory=600,
        ports=frozenset({(8080, "tcp")}),
        arch="x86_64",
        drivers=frozenset({"journald"}),
        attributes=(("site", "hall-2"),),
    )
    answer = fit([Wish(wanted, 2)], hosts)
    assert (answer.placed, answer.wanted, answer.proven) == (1, 2, True)
    assert answer.answers[0].placed == {"good": 1}
    assert answer.answers[0].lacking == {
        "full": ("memory: needs 600 MiB, has 100",),
        "arm": ("architecture: needs x86_64, is arm64",),
        "busy": ("port 8080/tcp is taken",),
        "plain": ("log driver journald is not enabled",),
        "site": ("attribute site is hall-1, not hall-2",),
        "good": ("needs 600 MiB, 400 of 1000 are left", "port 8080/tcp goes to app"),
    }


def test_a_task_that_takes_a_host_alone_says_so() -> None:
    answer = fit([Wish(Need("one", memory=10, alone=True), 2)], [host("a")])
    assert answer.answers[0].placed == {"a": 1}
    assert answer.answers[0].lacking == {"a": ("has one already, and takes one",)}


def test_nothing_is_placed_where_what_it_needs_is_not_known() -> None:
    wanted = Need("app", memory=600, gpus=1, drivers=frozenset({"gelf"}), attributes=(("site", "x"),), arch="arm64")
    blank = host("blank", memory=None, cpu=None, gpus=None, arch="", drivers=None, attributes=None)
    found = fit([Wish(wanted, 3)], [blank])
    assert found.placed == 0 and not found.answers[0].lacking["blank"]
    assert found.answers[0].open["blank"] == (
        "memory: needs 600, what the host has is not known",
        "GPUs: needs 1, what the host has is not known",
        "architecture: needs arm64, what the host has is not known",
        "attribute site: not known",
    )


def test_attribute_that_external_agents_take_out_is_never_there() -> None:
    wanted = Need("app", attributes=(("ecs.capability.task-eni", ""),))
    answer = fit([Wish(wanted, 1)], [host("any")])
    assert answer.answers[0].lacking["any"] == ("attribute ecs.capability.task-eni: external instances never have it",)


def test_daemon_takes_one_place_on_every_host() -> None:
    answer = fit([Wish(Need("log", memory=10), 0, every=True)], [host("a"), host("b"), host("c")])
    assert answer.answers[0].placed == {"a": 1, "b": 1, "c": 1}


def test_reserved_ports_of_the_agent_are_not_free() -> None:
    answer = fit([Wish(Need("app", ports=frozenset({(51678, "tcp")})), 1)], [host("a")])
    assert answer.answers[0].lacking == {"a": ("port 51678/tcp is kept by the host",)}


DOCKER = {
    "NCPU": 4,
    "MemTotal": 8 * GIB,
    "Architecture": "aarch64",
    "OSType": "linux",
    "Plugins": {"Log": ["json-file", "journald", "syslog", "awslogs", "fluentd", "gelf", "splunk"]},
    "Runtimes": {"runc": {}},
}


def test_capacity_is_read_from_docker_and_the_agents_settings() -> None:
    fake = FakeHost(
        files={
            "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
            "/etc/ecs/ecs.config": 'ECS_RESERVED_MEMORY=192\nECS_AVAILABLE_LOGGING_DRIVERS=["json-file","journald"]\n',
        },
        commands={INFO: json.dumps(DOCKER)},
        found=Inventory(memory_total=7 * GIB, cpus=2, listeners=(Listener("0.0.0.0", 22), Listener("127.0.0.1", 631))),
    )
    found = capacity(fake)
    assert (found.memory, found.cpu, found.arch) == (8192 - 192, 4096, "arm64")
    assert found.ports == {(22, "tcp"), (631, "tcp")} and found.dynamic == (32768, 60999)
    assert found.drivers == {"json-file", "journald", "awsfirelens"}
    assert found.gpus == 0


def test_capacity_without_docker_knows_less_and_says_so() -> None:
    fake = FakeHost(commands={("uname", "-m"): "x86_64\n"}, found=Inventory(memory_total=2 * GIB, cpus=2))
    found = capacity(fake)
    assert (found.memory, found.cpu, found.arch, found.gpus) == (2048, 2048, "x86_64", None)
    assert found.lacks == ("docker is not installed", "no registered ECS agent runs")


class Connected(FakeHost):
    """Resolves every name and answers every probe."""

    def resolve(self, query: Query) -> Answer:
        return Answer(query.name, "system", ("192.0.2.1",))

    def probe(self, spec: ProbeSpec) -> Probe:
        self.probed.append(spec)
        return Probe(spec, Stage.DONE)


def test_names_are_probed_as_docker_reaches_them() -> None:
    direct = Connected(found=Inventory(memory_total=GIB, cpus=1))
    found = capacity(direct, ["logs.eu-west-1.amazonaws.com", "registry.example.com:5000"])
    assert found.reachable == {"logs.eu-west-1.amazonaws.com": True, "registry.example.com:5000": True}
    outside = [spec for spec in direct.probed if spec.host != "localhost"]
    assert [(spec.host, spec.port, spec.address, spec.proxy) for spec in outside] == [
        ("logs.eu-west-1.amazonaws.com", 443, "192.0.2.1", ""),
        ("registry.example.com", 5000, "192.0.2.1", ""),
    ]
    environment = {"HTTPS_PROXY": "http://proxy.example.com:3128"}
    behind = Connected(found=Inventory(memory_total=GIB, cpus=1, environment=environment))
    assert capacity(behind, ["logs.eu-west-1.amazonaws.com"]).proxied
    outside = [spec for spec in behind.probed if spec.host != "localhost"]
    assert [(spec.address, spec.proxy) for spec in outside] == [("", "http://proxy.example.com:3128")]


def test_missing_attribute_names_the_setting_that_brings_it() -> None:
    name = "com.amazonaws.ecs.capability.logging-driver.gelf"
    answer = fit([Wish(Need("app", attributes=((name, ""),)), 1)], [host("any", attributes={})])
    assert answer.answers[0].lacking["any"] == (
        f"attribute {name} is missing: it comes with ECS_AVAILABLE_LOGGING_DRIVERS",
    )


def test_name_that_does_not_resolve_is_not_reached() -> None:
    found = capacity(FakeHost(found=Inventory(memory_total=GIB, cpus=1)), ["logs.eu-west-1.amazonaws.com"])
    assert found.reachable == {"logs.eu-west-1.amazonaws.com": False}


@examples(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_docker_info_and_instances_never_crash(text: str) -> None:
    parse_docker(text)
    try:
        parse_instances(text)
    except ParseError:
        pass


def test_described_instances_are_hosts() -> None:
    instance = {
        "ec2InstanceId": "mi-0123456789abcdef0",
        "remainingResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 1024},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 512},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "8080"]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
        "attributes": [
            {"name": "ecs.cpu-architecture", "value": "x86_64"},
            {"name": "ecs.os-type", "value": "linux"},
            {"name": "com.amazonaws.ecs.capability.logging-driver.json-file"},
        ],
    }
    (found,) = parse_instances(json.dumps({"containerInstances": [instance]}))
    assert (found.name, found.memory, found.cpu, found.arch) == ("mi-0123456789abcdef0", 512, 1024, "x86_64")
    assert found.ports == {(22, "tcp"), (8080, "tcp")} and found.drivers == {"json-file"}


def test_need_is_what_the_definition_says(tmp_path: Path) -> None:
    containers = [
        {
            "name": "a",
            "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:1",
            "memoryReservation": 100,
            "memory": 200,
            "cpu": 256,
            "portMappings": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}],
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-region": "eu-west-1"}},
            "secrets": [{"name": "S", "valueFrom": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:s"}],
        },
        {"name": "b", "image": "redis:7", "memory": 50, "resourceRequirements": [{"type": "GPU", "value": "2"}]},
    ]
    constraints = [
        {"type": "memberOf", "expression": "attribute:site == hall-2"},
        {"type": "memberOf", "expression": "task:group == x"},
    ]
    definition = {"family": "f", "containerDefinitions": containers, "placementConstraints": constraints}
    found = need(load(json.dumps(definition).encode(), "f.json").content.definitions[0])
    assert (found.memory, found.cpu, found.gpus) == (150, 256, 2)
    assert found.ports == {(8080, "tcp")} and found.drivers == {"awslogs"}
    assert [name.rpartition("capability.")[2] for name, _ in found.attributes] == [
        "logging-driver.awslogs",
        "secrets.asm.environment-variables",
    ]
    assert list(map(str, found.constraints)) == ["attribute:site == hall-2", "task:group == x"]
    assert found.unknown == ()
    assert dict(found.hosts) == {
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com": "image",
        "api.ecr.eu-west-1.amazonaws.com": "image",
        "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com": "image",
        "logs.eu-west-1.amazonaws.com": "awslogs",
        "secretsmanager.eu-west-2.amazonaws.com": "secrets",
        "registry-1.docker.io": "image",
        "auth.docker.io": "image",
    }


@pytest.mark.parametrize(("cpu", "memory"), [("1 vCPU", "2GB"), ("1024", "2048"), (".5 vcpu", "0.5 GB")])
def test_the_size_of_the_task_goes_before_that_of_its_containers(cpu: str, memory: str) -> None:
    container = {"name": "a", "image": "redis:7", "memory": 50, "cpu": 10}
    definition = {"family": "f", "cpu": cpu, "memory": memory, "containerDefinitions": [container]}
    found = need(load(json.dumps(definition).encode(), "f.json").content.definitions[0])
    assert (found.cpu, found.memory) == ((512, 512) if "5" in cpu else (1024, 2048))


def test_density_has_the_numbers_of_the_pages() -> None:
    assert (KNOWN["c5.large"].tasks(False), KNOWN["c5.large"].tasks(True), KNOWN["p5.48xlarge"].tasks(False)) == (
        2,
        10,
        1,
    )
    assert addresses(["172.31.16.0/20"]) == 4091
    assert addresses(["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"]) == 12273
    plan = Plan(KNOWN["c5.large"], True, tasks=100, subnets=("10.0.0.0/25",))
    findings = {finding.check: finding for finding in density(plan).findings}
    assert findings["density.addresses"].evidence["addresses_wanted"] == 10 * 2 + 100
    assert findings["density.addresses"].evidence["full_instances"] == 123 // 12
    assert [str(f.status) for f in findings.values()] == ["pass", "skip", "pass"]


def test_density_fails_where_interfaces_or_addresses_run_out() -> None:
    plan = Plan(InstanceType("x", 4), tasks=10, instances=3, subnets=("10.0.0.0/28",))
    assert {finding.check: str(finding.status) for finding in density(plan).findings} == {
        "density.interfaces": "fail",
        "density.addresses": "fail",
    }
    assert [str(f.status) for f in density(Plan(KNOWN["c5.large"], True, windows=True)).findings] == ["fail"]


@pytest.mark.parametrize("subnets", [["10.0.0.0/30"], ["10.0.0.0/8"], ["10.0.0.0/20", "10.0.8.0/24"], ["x"], ["::/64"]])
def test_subnet_that_no_vpc_has_is_bad_input(subnets: list[str]) -> None:
    with pytest.raises(BadInput):
        addresses(subnets)


@pytest.mark.parametrize(
    ("key", "strategy", "found"),
    [
        ("placementStrategy", [{"type": "binpack", "field": "MEMORY"}], (Strategy("binpack", "memory"),)),
        (
            "placementStrategy",
            [{"type": "spread", "field": "attribute:site"}, {"type": "random"}],
            (Strategy("spread", "attribute:site"), Strategy("random")),
        ),
        ("other", [], DEFAULT),
    ],
)
def test_strategy_and_constraints_of_the_service_count(
    key: str, strategy: list[dict[str, str]], found: tuple[Strategy, ...]
) -> None:
    service = {
        "serviceName": "s",
        "taskDefinition": "f",
        "desiredCount": 2,
        "launchType": "EXTERNAL",
        key: strategy,
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:site == hall-2"}],
    }
    definition = {"family": "f", "containerDefinitions": [{"name": "a", "image": "b", "memory": 10}]}
    documents = link([load(json.dumps(one).encode(), f"{n}.json") for n, one in enumerate((definition, service))])
    wanted = need(documents[0].content.definitions[0])
    assert wanted.strategy == found
    assert list(map(str, wanted.constraints)) == ["attribute:site == hall-2"]


def test_advice_for_what_the_document_leaves_open_is_about_the_document() -> None:
    from anywhere.taskdef.fit.findings import targets

    switch = {"Enabled": {"Fn::If": ["Prod", True, False]}}
    container = {"Name": "a", "Image": "nginx", "Memory": 64, "RestartPolicy": switch}
    properties = {"Family": "f", "ContainerDefinitions": [container]}
    template = {"Resources": {"T": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}}}
    document = load(json.dumps(template).encode(), "t.json")
    one = Wish(need(document.content.definitions[0]), 1)
    assert one.need.undecided == ("restartPolicy.enabled (Fn::If)",)
    for unseen, expected in (((), "deploy the template"), (("docker info",), "save the host's bundle as root")):
        seen = host("h", unseen=unseen)
        found = next(targets([(document, one)], fit([one], [seen]), [seen], (), False)).findings[0]
        assert found.remedy and found.remedy.text.startswith(expected), found
        assert "restartPolicy.enabled (Fn::If)" in found.summary
