"""The aarch64 package under qemu-user: the interpreter, its TLS, and the compiled wheels."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.built.conftest import INSTALLED

LIBRARIES = "/usr/aarch64-linux-gnu"  # glibc of the package libc6-arm64-cross
pytestmark = [pytest.mark.soak, pytest.mark.skipif(platform.machine() != "x86_64", reason="emulates from x86_64")]

_CODE = """
import asyncio, ssl, psutil, asyncssh, yaml, cryptography.hazmat.bindings._rust, openpgp.composed, ctypes
assert psutil.Process().memory_info().rss > 0 and yaml.__with_libyaml__
server, client = ssl.MemoryBIO(), ssl.MemoryBIO()
assert ssl.create_default_context().wrap_bio(server, client, server_hostname="x").version() is None

class Server(asyncssh.SSHServer):
    def begin_auth(self, name): return False

async def echo(process):
    process.stdout.write("answer")
    process.exit(0)

async def main():
    key = asyncssh.generate_private_key("ssh-ed25519")
    async with asyncssh.listen("127.0.0.1", 0, server_factory=Server, server_host_keys=[key], process_factory=echo) as one:
        async with asyncssh.connect("127.0.0.1", one.get_port(), known_hosts=None, config=None, agent_path=None) as there:
            assert (await there.run("x")).stdout == "answer"

asyncio.run(asyncio.wait_for(main(), 60))
"""


def emulated(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The interpreter with arguments, under qemu-user."""
    if not shutil.which("qemu-aarch64-static"):
        pytest.skip("qemu-user-static is not installed: `make test-package` installs it")
    python = str(tree / INSTALLED / "bin/python3")
    argv = ["qemu-aarch64-static", "-L", LIBRARIES, python, "-I", "-B", *arguments]
    return subprocess.run(argv, env={}, capture_output=True, text=True, timeout=300)


def test_it_reports_its_version(arm_tree: Path) -> None:
    done = emulated(arm_tree, "-m", "anywhere", "--version")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("anywhere ")


def test_tls_ssh_and_compiled_wheels_work(arm_tree: Path) -> None:
    done = emulated(arm_tree, "-c", _CODE)
    assert (done.returncode, done.stderr) == (0, "")
