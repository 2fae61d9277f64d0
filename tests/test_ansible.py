"""The Ansible collection with ansible-core against a real sshd: without anything on the host, and with the package."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.remote import Remote, remote

ROOT = Path(__file__).parent.parent
COLLECTION = ROOT / "packaging" / "ansible"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

pytestmark = [
    pytest.mark.region,
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("ansible") or not PLAYBOOK.exists(), reason="needs ansible-core"),
]


class Controller:
    """A controller with the collection installed, in the network of the hosts."""

    def __init__(self, far: Remote, folder: Path) -> None:
        self.far, self.folder = far, folder
        place = folder / "collections" / "ansible_collections" / "ecs_anywhere" / "toolkit"
        shutil.copytree(COLLECTION, place)
        wrapper = folder / "bin" / "anywhere"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m anywhere "$@"\n')
        wrapper.chmod(0o755)
        self.wrapper = wrapper
        self.inventory = folder / "hosts"
        self.inventory.write_text(
            f"web1 ansible_host=127.0.0.1 ansible_port={far.server.port} ansible_user=root "
            f"ansible_ssh_private_key_file={far.server.key}\n"
        )
        (folder / "ansible.cfg").write_text(
            f"[defaults]\ncollections_path={folder}/collections\ninterpreter_python={sys.executable}\n"
            f"local_tmp={folder}/tmp\nremote_tmp=/tmp/.ansible-{os.getpid()}\n"
            f"[ssh_connection]\nssh_args=-F {far.home}/.ssh/config -o UserKnownHostsFile={far.server.known_hosts}\n"
        )

    def play(self, options: dict[str, Any], *words: str) -> dict[str, Any]:
        """Run one task; its result."""
        task = {"ecs_anywhere.toolkit.check": {"region": ["us-east-1"], "shards": 4, **options}, "register": "judged"}
        shown = {"ansible.builtin.copy": {"content": "{{ judged | to_json }}", "dest": f"{self.folder}/result.json"}}
        shown |= {"delegate_to": "localhost", "connection": "local", "check_mode": False}
        play = [{"hosts": "all", "gather_facts": False, "tasks": [task | {"ignore_errors": True}, shown]}]
        (self.folder / "play.json").write_text(json.dumps(play))
        command = [
            "nsenter",
            f"--net=/proc/{self.far.region.pid}/ns/net",
            "env",
            "-i",
            f"HOME={self.far.home}",
            "LANG=C.UTF-8",
        ]
        command += [f"PATH={self.folder}/bin:{PLAYBOOK.parent}:/usr/bin:/bin:/usr/sbin:/sbin"]
        command += [f"ANSIBLE_CONFIG={self.folder}/ansible.cfg", str(PLAYBOOK), "-i", str(self.inventory), *words]
        done = subprocess.run([*command, f"{self.folder}/play.json"], capture_output=True, text=True, timeout=180)
        assert (self.folder / "result.json").exists(), done.stdout + done.stderr
        found: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        (self.folder / "result.json").unlink()
        return found


@pytest.fixture(scope="module")
def controller(shared_room: Path) -> Iterator[Controller]:
    with remote(shared_room / "far", ("proxy-407",)) as far:
        yield Controller(far, shared_room / "controller")


@pytest.mark.parametrize("words", [(), ("--check", "--diff")])
@pytest.mark.parametrize("where", ["controller", "host"])
def test_the_report_comes_back_as_facts(controller: Controller, where: str, words: tuple[str, ...]) -> None:
    executable = [str(controller.wrapper)] if where == "host" else ["anywhere"]
    found = controller.play({"where": where, "executable": executable, "fail_on": "never"}, *words)
    assert not found.get("failed"), found["msg"]
    assert found["changed"] is False
    assert found["report"]["schema"] == "anywhere/report/1"
    assert found["verdict"] == found["ansible_facts"]["anywhere"]["verdict"]
    assert found["ansible_facts"]["anywhere"]["facts"]["os"]["id"] == "debian"
    if where == "controller":
        assert [cause["code"] for cause in found["causes"]] == ["proxy.auth-required"]


def test_a_host_that_is_not_ready_fails_the_task_with_the_cause(controller: Controller) -> None:
    found = controller.play({})
    assert found["failed"]
    assert found["msg"].startswith("proxy.auth-required: ")
    assert found["exit_code"] == 1


def test_what_is_wrong_with_the_words_is_told(controller: Controller) -> None:
    found = controller.play({"region": ["mars-1"]})
    assert found["failed"]
    assert "mars-1" in found["msg"]
    found = controller.play({"executable": ["/no/such/anywhere"]})
    assert found["failed"]
    assert "No such file" in found["msg"]


def test_the_collection_builds(tmp_path: Path) -> None:
    galaxy = PLAYBOOK.with_name("ansible-galaxy")
    done = subprocess.run(
        [galaxy, "collection", "build", COLLECTION, "--output-path", tmp_path],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ecs_anywhere-toolkit-0.1.0.tar.gz").exists()
    docs = subprocess.run(
        [PLAYBOOK.with_name("ansible-doc"), "-t", "module", "ecs_anywhere.toolkit.check"],
        capture_output=True,
        text=True,
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(_installed(tmp_path)),
        },
    )
    assert "Resolves and probes every endpoint" in docs.stdout, docs.stderr


def _installed(folder: Path) -> Path:
    place = folder / "c" / "ansible_collections" / "ecs_anywhere" / "toolkit"
    shutil.copytree(COLLECTION, place)
    return folder / "c"
