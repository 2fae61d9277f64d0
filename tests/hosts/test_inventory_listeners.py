"""Who listens, as the far side's shell finds it: by ss where that is there, else from /proc, and both say the same."""

from __future__ import annotations

import socket

import pytest

from anywhere.hosts.base import Listener
from anywhere.hosts.ssh import inventory, script
from tests.support.ssh.shells import run_script

SHOWN = """\
listen 127.0.0.53%lo:53 7
listen *:22 8
listen6 [fe80::1]%eth0:546 9
listen6 :::80 10
listen6 *:51678 11
listen6 [::ffff:127.0.0.1]:9 12
listen nonsense 13
listen 127.0.0.1:99999 14
listen 127.0.0.1:http 15
owner 11 42 agent
"""


def test_all_that_releases_of_ss_write() -> None:
    found = {(one.address, one.port, one.pid) for one in inventory.parse_inventory(SHOWN).listeners}
    assert found == {
        ("127.0.0.53", 53, 0),
        ("0.0.0.0", 22, 0),
        ("fe80::1", 546, 0),
        ("::", 80, 0),
        ("::", 51678, 42),
        ("::ffff:127.0.0.1", 9, 0),
    }


def listeners(before: str) -> tuple[Listener, ...]:
    mark = script.token()
    text = script.script(mark, [f"{before}; inventory"], inventory.settings())
    done = run_script(["sh"], text)
    (part,) = script.parse(mark, done.stdout, done.stderr)
    return inventory.parse_inventory(part.stdout.decode()).listeners


@pytest.mark.parametrize("before", [":", "ss() { return 1; }", "ss() { :; }", "find() { return 1; }"])
def test_each_way_finds_the_same_and_whose_it_is(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
        monkeypatch.setattr(inventory, "OWNED", (port,))
        found = [one for one in listeners(before) if one.port == port]
    assert [(one.address, one.port, bool(one.pid and one.process)) for one in found] == [("127.0.0.1", port, True)]
