"""What answers to the name docker."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.errors import ParseError
from anywhere.facts.agents.daemon_json import PATH, daemon_json, parse_daemon_json
from anywhere.facts.agents.docker import (
    INFO,
    NETWORKS,
    VERSION,
    WHERE,
    data_root,
    docker,
    docker_networks,
    parse_info,
    parse_networks,
    parse_version,
)
from anywhere.hosts.base import Completed
from tests.support.fakehost import FakeHost

ENGINE = {
    "Client": {"Version": "24.0.7", "ApiVersion": "1.43"},
    "Server": {
        "Components": [{"Name": "Engine", "Version": "24.0.7"}],
        "Version": "24.0.7",
        "ApiVersion": "1.43",
        "MinAPIVersion": "1.12",
        "Arch": "amd64",
    },
}
PODMAN = {
    "Client": {"APIVersion": "4.9.4", "Version": "4.9.4"},
    "Server": {"Components": [{"Name": "Podman Engine"}], "Version": "4.9.4"},
}
DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = [
    "Server",
    "Client",
    "Components",
    "Name",
    "IPAM",
    "Config",
    "Subnet",
    "Options",
    "Driver",
    "Id",
    "Version",
    "proxies",
]
shaped = st.recursive(
    st.none() | st.text(max_size=4),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@given(st.one_of(st.text(), json_values.map(json.dumps), shaped.map(json.dumps)))
def test_nothing_breaks_the_parsers(text: str) -> None:
    parse_version(text)
    parse_info(text)
    parse_networks(text)
    try:
        parse_daemon_json(text)
    except ParseError:
        pass


def test_a_byte_order_mark_of_an_editor_counts_for_nothing() -> None:
    assert parse_daemon_json('\ufeff{"bridge": "b0"}').bridge == "b0"


def answering(version: object, stderr: str = "", rc: int = 0) -> FakeHost:
    return FakeHost(commands={VERSION: Completed(VERSION, rc, json.dumps(version), stderr)})


def test_an_engine_answers() -> None:
    found = docker(answering(ENGINE))
    assert (found.state, found.version.server, found.version.min_api, found.version.arch) == (
        "answers",
        "24.0.7",
        "1.12",
        "amd64",
    )
    assert not found.is_podman and not found.is_snap


@pytest.mark.parametrize(
    ("rc", "stderr", "state"),
    [(1, DOWN, "down"), (1, DENIED, "forbidden"), (124, "timed out", "silent"), (127, "", "absent")],
)
def test_a_daemon_that_does_not_answer(rc: int, stderr: str, state: str) -> None:
    assert docker(answering({"Client": {"Version": "28.2.2"}, "Server": None}, stderr, rc)).state == state


def test_podman_is_known_by_its_shim_its_server_and_its_link() -> None:
    assert docker(answering(PODMAN)).is_podman
    assert docker(
        answering({}, "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.")
    ).is_podman
    host = FakeHost(commands={VERSION: Completed(VERSION, 1, "", DOWN), WHERE: "/usr/bin/docker\n/usr/bin/podman\n"})
    assert docker(host).is_podman


@pytest.mark.parametrize(
    "where", ["/snap/bin/docker\n/usr/bin/snap\n", "/usr/local/bin/docker\n/snap/docker/2904/bin/docker\n"]
)
def test_the_snap_is_known_by_where_it_lies(where: str) -> None:
    assert docker(FakeHost(commands={VERSION: Completed(VERSION, 1, "", DOWN), WHERE: where})).is_snap


def test_the_data_root_is_the_daemons_own_else_the_settings_else_the_default() -> None:
    files: dict[str, str | bytes | None] = {PATH: '{"data-root": "/data/docker"}'}
    assert data_root(FakeHost(files, {INFO: '{"DockerRootDir": "/srv/docker"}'})) == "/srv/docker"
    assert data_root(FakeHost(files)) == "/data/docker"
    assert data_root(FakeHost()) == "/var/lib/docker"


def test_networks_have_subnets_and_a_bridge() -> None:
    text = json.dumps(
        [
            {"Name": "bridge", "Id": "a" * 64, "Driver": "bridge",
             "IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]},
             "Options": {"com.docker.network.bridge.default_bridge": "true", "com.docker.network.bridge.name": "docker0"}},
            {"Name": "app", "Id": "0123456789abcdef", "Driver": "bridge", "IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}]}},
            {"Name": "none", "Id": "b" * 64, "Driver": "null", "IPAM": {"Config": None}},
        ]
    )  # fmt: skip
    found = docker_networks(FakeHost(commands={NETWORKS: text}))
    assert found is not None
    assert [(one.name, one.bridge, one.subnets, one.is_default) for one in found] == [
        ("bridge", "docker0", ("172.17.0.0/16",), True),
        ("app", "br-0123456789ab", ("10.0.0.0/8",), False),
        ("none", "", (), False),
    ]


def test_networks_that_cannot_be_asked_for_are_not_known() -> None:
    assert docker_networks(FakeHost()) is None


@pytest.mark.parametrize(
    ("content", "said"), [("{\n  oops\n}", f"{PATH}:2: "), ("[]", "no JSON object"), ("[" * 99999, "cannot be read")]
)
def test_a_bad_daemon_json_is_told_with_its_line(content: str, said: str) -> None:
    assert said in daemon_json(FakeHost({PATH: content})).error


def test_daemon_json_may_be_absent_empty_or_forbidden() -> None:
    assert daemon_json(FakeHost()).exists is False
    assert daemon_json(FakeHost({PATH: ""})).error == ""
    assert daemon_json(FakeHost({PATH: None})).exists is None
