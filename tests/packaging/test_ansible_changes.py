"""The modules `rules` and `proxy` of the Ansible collection against a real sshd on a host with real iptables."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.support.barehost import BareHost, snapshot
from tests.support.controller import COLLECTION, Controller
from tests.support.ssh.sshd import Server

region = pytest.mark.region
slow = pytest.mark.slow
PASSWORD = "GeHeimesWort%1"
URL = "http://proxy.example:3128"


def shared(name: str) -> ModuleType:
    """A file of module_utils, which needs nothing of Ansible."""
    spec = importlib.util.spec_from_file_location(name, COLLECTION / "plugins" / "module_utils" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


changing = shared("changing")


def options(spec: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {name: row.get("default") for name, row in spec.items()} | given


# ---- words and results: nothing is run


def test_the_words_of_each_state() -> None:
    rules = options(changing.RULES, verify=True)
    assert changing.commands("rules", rules, False, "") == (
        ["rules", "apply", "--format", "json"],
        ["rules", "verify", "--format", "json"],
    )
    assert changing.commands("rules", rules, True, "") == (["rules", "plan", "--format", "json"], [])
    gone = options(changing.RULES, state="absent", verify=True)
    assert changing.commands("rules", gone, True, "") == (["rules", "revert", "--format", "json", "--dry-run"], [])
    proxy = options(
        changing.PROXY, url=URL, username="u", password=PASSWORD, no_proxy=["a", "b"], ca="/x", restart=True
    )
    change, _ = changing.commands("proxy", proxy, False, "-")
    words = "proxy apply --format json --url http://proxy.example:3128 --credentials-file -"
    assert change == [*words.split(), *["--no-proxy", "a", "--no-proxy", "b", "--ca", "/x", "--restart"]]
    assert changing.credentials(proxy) == f"u:{PASSWORD}\n"
    assert not changing.credentials({**proxy, "state": "absent"})


@pytest.mark.parametrize(
    "given",
    [
        {"url": f"http://u:{PASSWORD}@p:1"},
        {"username": "u", "password": PASSWORD},
        {"url": URL, "username": "u:v", "password": PASSWORD},
        {"url": URL, "username": "u", "password": f"{PASSWORD}\n"},
    ],
)
def test_wrong_credentials_are_refused_without_being_shown(given: dict[str, str]) -> None:
    said = changing.refused(options(changing.PROXY, **given))
    assert said and PASSWORD not in said and "\n" not in said


@pytest.mark.parametrize("out", ["", "[]", "{}", '{"targets": []}', '{"targets": [3]}'])
def test_what_is_no_report_fails_with_what_was_said(out: str) -> None:
    found = changing.result(2, out, "anywhere: no such host\n")
    assert found["failed"] and not found["changed"] and "no such host" in found["msg"]
    assert changing.judged({"changed": True}, 3, out, "no way")["failed"]


def fragment(name: str) -> dict[str, dict[str, object]]:
    """The options of a documentation fragment, found by its full name as ansible-doc does."""
    file = COLLECTION / "plugins" / "doc_fragments" / f"{name.removeprefix('ecs_anywhere.toolkit.')}.py"
    place: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), place)
    options: dict[str, dict[str, object]] = yaml.safe_load(place["ModuleDocFragment"].DOCUMENTATION)["options"]
    return options


@pytest.mark.parametrize("name", ["check", "rules", "proxy"])
def test_the_documentation_names_every_option_as_the_module_takes_it(name: str) -> None:
    text = (COLLECTION / "plugins" / "modules" / f"{name}.py").read_text()
    words = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
    }
    own = yaml.safe_load(words["DOCUMENTATION"])
    documented = own["options"] | fragment(*own["extends_documentation_fragment"])
    spec = shared("command").SPEC if name == "check" else getattr(changing, name.upper())
    assert {key: {k: v for k, v in row.items() if k != "description"} for key, row in documented.items()} == {
        key: {k: v for k, v in row.items() if k != "no_log"} for key, row in spec.items()
    }
    assert yaml.safe_load(words["EXAMPLES"]) and yaml.safe_load(words["RETURN"])


# ---- on a host


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost(alone=True) as made:
        made.sh(
            "mkdir -p /run/sshd /run/netns /etc/ecs; mount -t tmpfs t /run/netns;"
            "ip link add docker0 type bridge; ip link set docker0 addrgenmode none;"
            "ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up;"
            # A cable in the bridge, so that it has a carrier from the beginning.
            "ip link add port0 type veth peer name port1; ip link set port0 addrgenmode none;"
            "ip link set port1 addrgenmode none; ip link set port1 up; ip link set port0 master docker0 up;"
            'for _ in $(seq 100); do ip route | grep -q "docker0.*linkdown" || break; sleep 0.1; done;'
            "printf 'ECS_CLUSTER=a\\n' > /etc/ecs/ecs.config; chmod 644 /etc/ecs/ecs.config;"
            "iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables-legacy -S; iptables-legacy -t nat -S; ip6tables-legacy -S"
        )
        yield made


@pytest.fixture
def controller(host: BareHost, room: Path) -> Iterator[Controller]:
    server = Server(room / "sshd")
    home = room / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(server.known_hosts.read_text())
    (home / ".ssh" / "config").write_text(f"Host *\n  IdentityFile {server.key}\n")
    server.start(lambda argv, **more: subprocess.Popen([*host.enter, *argv], **more))
    try:
        yield Controller(server, host.pid, home, room / "controller")
    finally:
        server.stop()


# Opens every CONNECT that comes with the user and the password, and asks all others for them.
ASKS = """
import base64, socketserver, sys
known = base64.b64encode(sys.argv[1].encode())
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        lines = list(iter(self.rfile.readline, b"\\r\\n"))
        said = b"200 OK\\r\\n" if any(known in line for line in lines) else (
            b'407 Proxy Authentication Required\\r\\nProxy-Authenticate: Basic realm="x"\\r\\n')
        self.wfile.write(b"HTTP/1.1 " + said + b"\\r\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer(("127.0.0.1", 3128), Handler)
print("up", flush=True)
server.serve_forever()
"""


@pytest.fixture
def asking_proxy(host: BareHost) -> Iterator[None]:
    """The proxy of URL on this host."""
    host.sh("echo 127.0.0.1 proxy.example >> /etc/hosts")
    argv = [*host.enter, sys.executable, "-c", ASKS, f"user:{PASSWORD}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        try:
            yield
        finally:
            process.kill()


def place(controller: Controller, where: str) -> dict[str, Any]:
    return {"where": where, "executable": [str(controller.wrapper)] if where == "host" else ["anywhere"]}


@region
@slow
@pytest.mark.parametrize("where", ["controller", "host"])
def test_rules_come_stay_and_go(controller: Controller, host: BareHost, where: str) -> None:
    here = place(controller, where)
    before = snapshot(host)
    planned = controller.task("rules", here, "--check", "--diff")
    assert not planned.result.get("failed"), planned.output
    assert planned.result["changed"] and "add introspection-bridge (INPUT: " in planned.output, planned.output
    assert "+++ after: /etc/sysctl.d/99-zz-anywhere-rules.conf" in planned.output
    assert "+net.ipv4.conf.all.route_localnet = 1" in planned.output
    assert snapshot(host) == before, "check mode changes nothing"
    applied = controller.task("rules", here | {"verify": True}).result
    assert not applied.get("failed"), applied["msg"]
    assert applied["changed"] and applied["verdict"] == "ready" and applied["steps"] == planned.result["steps"]
    assert applied["report"]["schema"] == "anywhere/changes/1"
    assert host.sh("iptables-save").count("anywhere-rules-") == 5
    wanted = snapshot(host)
    again = controller.task("rules", here, "--diff").result
    assert not again["changed"] and again["steps"] == []
    away = controller.task("rules", here | {"state": "absent"}, "--check", "--diff")
    assert away.result["changed"] and "- remove the rules of anywhere from iptables" in away.output, away.output
    assert snapshot(host) == wanted
    gone = controller.task("rules", here | {"state": "absent"}).result
    assert gone["changed"] and not gone.get("failed") and gone["steps"] == away.result["steps"]
    assert snapshot(host) == before
    assert not controller.task("rules", here | {"state": "absent"}).result["changed"]


@region
@slow
@pytest.mark.usefixtures("asking_proxy")
@pytest.mark.parametrize("where", ["controller", "host"])
def test_the_proxy_profile_comes_stays_and_goes_and_its_password_is_nowhere(
    controller: Controller, host: BareHost, where: str
) -> None:
    words = {"url": URL, "username": "user", "password": PASSWORD, "no_proxy": [".corp"], "packages": True}
    here = place(controller, where) | words
    host.sh("rm -f /etc/apt/apt.conf.d/95*")
    before = snapshot(host)
    said = []

    def task(given: dict[str, Any], *more: str) -> dict[str, Any]:
        played = controller.task("proxy", given, "-vvv", *more)
        said.append(played.output + json.dumps(played.result))
        return played.result

    planned = task(here, "--check", "--diff")
    assert planned["changed"] and not planned.get("failed"), planned["msg"]
    assert "/etc/ecs/ecs.config: not shown, it holds credentials" in said[-1]
    assert snapshot(host) == before
    applied = task(here | {"verify": True}, "--diff")
    assert not applied.get("failed"), applied["msg"]
    assert applied["changed"] and applied["verdict"] == "ready"
    assert "GeHeimesWort%251" in host.sh("cat /etc/ecs/ecs.config")
    assert host.sh("stat -c %a /etc/ecs/ecs.config").strip() == "600"
    assert not task(here)["changed"]
    assert task(place(controller, where) | {"state": "absent"})["changed"]
    assert snapshot(host) == before
    refused = task(here | {"url": f"http://user:{PASSWORD}@proxy.example:3128", "username": None, "password": None})
    assert refused["failed"] and "username and password" in refused["msg"]
    seen = "\n".join(said[:-1]) + host.sh("cat /var/log/syslog 2>/dev/null || true")
    assert "GeHeimesWort" not in seen and "dXNlcjpHZU" not in seen, "the password is shown"
    plain = task(place(controller, where) | {"url": URL}, "--check", "--diff")
    assert plain["changed"] and f"+HTTPS_PROXY={URL}" in said[-1] and "+++ after: /etc/ecs/ecs.config" in said[-1]


@region
@slow
def test_what_is_wrong_is_one_line(controller: Controller, host: BareHost) -> None:
    for given, part in (
        ({}, "give --url"),
        ({"url": "socks5://proxy:1"}, "socks5"),
        ({"url": URL, "username": "u"}, "password"),
        ({"url": URL, "ca": "/no/such/file"}, "/no/such/file"),
    ):
        found = controller.task("proxy", given).result
        assert found["failed"] and not found["changed"] and part in found["msg"], found
    host.sh("mount -o remount,ro /etc")
    found = controller.task("rules", {}).result
    assert found["failed"] and "read-only" in found["msg"]


@region
@slow
def test_the_example_playbook_runs_and_takes_itself_back(controller: Controller, host: BareHost) -> None:
    before = snapshot(host)
    given = ("-e", f"proxy_url={URL}")
    path = str(COLLECTION / "playbooks" / "prepare.yml")
    done = controller.playbook(path, "--check", "--diff", *given)
    assert done.returncode == 0 and snapshot(host) == before, done.stdout + done.stderr
    done = controller.playbook(path, *given)
    assert done.returncode == 0 and "changed=2" in done.stdout, done.stdout + done.stderr
    done = controller.playbook(path, *given)
    assert done.returncode == 0 and "changed=0" in done.stdout, done.stdout + done.stderr
    done = controller.playbook(path, "-e", "state=absent")
    assert done.returncode == 0 and snapshot(host) == before, done.stdout + done.stderr


@region
@slow
def test_the_collection_builds_and_every_module_is_documented(controller: Controller, tmp_path: Path) -> None:
    done = controller.galaxy("ansible-galaxy", "collection", "build", str(COLLECTION), "--output-path", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ecs_anywhere-toolkit-0.1.0.tar.gz").exists()
    for name, part in (
        ("check", "Resolves and probes every endpoint"),
        ("rules", "task credentials"),
        ("proxy", "SSM"),
    ):
        docs = controller.galaxy("ansible-doc", "-t", "module", f"ecs_anywhere.toolkit.{name}")
        assert part in docs.stdout, docs.stderr
