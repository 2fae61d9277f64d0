"""`register` where a proxy that asks for a password is the only way out, with the packages from a mirror in the site."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.booted.registering import Desk, bare_host, desk
from tests.booted.test_register import _FILES

pytestmark = [pytest.mark.booted, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

PASSWORD = "p%40ss%3Aw%2Frd"
PORT = 8080


@contextlib.contextmanager
def mirror(at: Desk) -> Iterator[str]:
    """The folder of artifacts behind a web server on the desk's own loopback; its URL."""
    enter = at.argv()[:4]
    argv = [*enter, sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(at.artifacts), str(PORT)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 20
            reach = [*enter, "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{PORT}"]
            while subprocess.run(reach, capture_output=True).returncode and time.monotonic() < until:
                time.sleep(0.1)
            yield f"http://127.0.0.1:{PORT}"
        finally:
            process.kill()


def test_behind_a_proxy_with_a_password_and_with_packages_from_a_mirror(tmp_path: Path) -> None:
    with desk(tmp_path, "proxy-with-password") as at, bare_host(at) as machine, mirror(at) as url:
        at.activate(limit=1)
        proxy = at.site.region.world.proxy
        assert proxy
        file = at.home / "proxy"
        file.write_text(f"http://edge:{PASSWORD}@{proxy.authority}\n")
        trust = ("--artifacts-url", url, "--keyring", str(at.site.keyring), "--proxy-url-file", str(file))
        blocked = at.register(*trust[:4], own=False)
        assert blocked.returncode == 1 and "egress.blocked" in blocked.stdout, blocked.stdout + blocked.stderr
        assert at.used() == 0
        done = at.register(*trust, own=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert at.used() == 1
        files = machine.sh(_FILES)
        again = at.register(*trust, own=False)
        assert again.returncode == 0 and "nothing changed" in again.stdout, again.stdout + again.stderr
        assert machine.sh(_FILES).splitlines() == files.splitlines()
        assert PASSWORD not in done.stdout + done.stderr + again.stdout + machine.sh(
            "journalctl --no-pager; cat /var/log/*.log"
        )
        # Docker and containerd keep the agent's variables in folders that root alone may enter.
        own = "/etc /run /var/lib/anywhere /var/lib/ecs /var/lib/amazon /usr/local"
        for path in machine.sh(f"grep -rlF --exclude-dir=containerd -- '{PASSWORD}' {own} || :").split():
            assert machine.sh(f"stat -c %a {path}").strip() == "600", path
