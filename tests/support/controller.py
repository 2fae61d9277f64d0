"""An Ansible controller with the collection installed, in the network of the hosts that it manages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ssh.sshd import Server

ROOT = Path(__file__).parent.parent.parent
COLLECTION = ROOT / "packaging" / "ansible"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def install(folder: Path) -> Path:
    """The collection as `ansible-galaxy collection install` lays it; the path of all collections."""
    shutil.copytree(COLLECTION, folder / "ansible_collections" / "ecs_anywhere" / "toolkit")
    return folder


@dataclass(frozen=True)
class Played:
    """A task's result, and all that the run printed."""

    result: dict[str, Any]
    output: str


class Controller:
    """`pid` is a process in the hosts' network, `home` holds the SSH configuration, `folder` is ours."""

    def __init__(self, server: Server, pid: int, home: Path, folder: Path) -> None:
        self.pid, self.home, self.folder = pid, home, folder
        install(folder / "collections")
        self.wrapper = folder / "bin" / "anywhere"
        self.wrapper.parent.mkdir()
        self.wrapper.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m anywhere "$@"\n')
        self.wrapper.chmod(0o755)
        self.inventory = folder / "hosts"
        self.inventory.write_text(
            f"web1 ansible_host=127.0.0.1 ansible_port={server.port} ansible_user=root "
            f"ansible_ssh_private_key_file={server.key}\n"
        )
        (folder / "ansible.cfg").write_text(
            f"[defaults]\ncollections_path={folder}/collections\ninterpreter_python={sys.executable}\n"
            f"local_tmp={folder}/tmp\nremote_tmp={folder}/remote\nlocalhost_warning=False\n"
            f"[ssh_connection]\nssh_args=-F {home}/.ssh/config -o UserKnownHostsFile={server.known_hosts}\n"
        )

    def task(self, module: str, options: dict[str, Any], *words: str) -> Played:
        """Run one task of the collection."""
        task = {f"ecs_anywhere.toolkit.{module}": options, "register": "judged", "ignore_errors": True}
        shown = {"ansible.builtin.copy": {"content": "{{ judged | to_json }}", "dest": f"{self.folder}/result.json"}}
        shown |= {"delegate_to": "localhost", "connection": "local", "check_mode": False, "diff": False}
        (self.folder / "play.json").write_text(
            json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task, shown | {"no_log": True}]}])
        )
        done = self.playbook(f"{self.folder}/play.json", *words)
        path = self.folder / "result.json"
        assert path.exists(), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(path.read_text())
        path.unlink()
        return Played(found, done.stdout + done.stderr)

    def playbook(self, path: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook in the hosts' network."""
        command = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "env", "-i", f"HOME={self.home}", "LANG=C.UTF-8"]
        command += [f"PATH={self.folder}/bin:{PLAYBOOK.parent}:/usr/bin:/bin:/usr/sbin:/sbin"]
        command += [f"ANSIBLE_CONFIG={self.folder}/ansible.cfg", str(PLAYBOOK), "-i", str(self.inventory), *words]
        return subprocess.run([*command, path], capture_output=True, text=True, timeout=300)

    def galaxy(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """`ansible-doc` or `ansible-galaxy`, with the collection at hand."""
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        environment["ANSIBLE_CONFIG"] = f"{self.folder}/ansible.cfg"
        argv = [str(PLAYBOOK.with_name(program)), *words]
        return subprocess.run(argv, capture_output=True, text=True, env=environment)
