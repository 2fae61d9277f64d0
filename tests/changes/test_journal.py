"""The journal: what is missing, changed or in another's hands is reported, and never acted on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

import pytest

from anywhere.changes import engine
from anywhere.changes.base import ChangeFailed, Command, JournalDamaged, Step
from anywhere.changes.files import file_step
from anywhere.hosts.base import Completed, Host
from tests.support.barehost import BareHost, snapshot
from tests.support.sample import spread

pytestmark = [pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
SECRET = "geheim"
BASE = "/var/lib/anywhere/t"


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        made.sh(
            "mkdir -p /etc/a; echo one > /etc/a/one; chmod 640 /etc/a/one; chown 7:8 /etc/a/one; echo two > /etc/a/two"
        )
        yield made


def plan(seen: Host) -> tuple[Step, ...]:
    """Two files that were there, one that was not, and a command."""
    return (
        *file_step(seen, "/etc/a/one", f"P=http://u:{SECRET}@p\n".encode(), "one", mode="0600", secret=True),
        *file_step(seen, "/etc/a/two", b"ours\n", "two"),
        *file_step(seen, "/etc/b/c/three", b"ours\n", "three"),
        Step("command", "command", Command(("true",)), (Command(("touch", "/etc/undone")),)),
    )


FORGED = {
    "key": "x",
    "title": "forged",
    "undo": [{"argv": ["touch", "/etc/forged"], "input": "", "timeout": 9}],
}
DAMAGES = {
    "emptied journal": f": > {BASE}.journal",
    "removed journal": f"rm {BASE}.journal",
    "replaced journal": f"printf '{{}}' > {BASE}.journal",
    "cut journal": f"truncate -s -20 {BASE}.journal",
    "journal of another change": f"echo x > /etc/other; cp {BASE}.seal {BASE}.journal",
    "forged line": f"printf '\\n%s\\n' '{json.dumps(FORGED)}' >> {BASE}.journal",
    "forged document": f"printf '%s' '{json.dumps({'schema': 'anywhere/journal/1', 'entries': [FORGED]})}' > {BASE}.journal",
    "emptied undo copies": f"for f in {BASE}.undo/*; do : > $f; done",
    "one emptied undo copy": f": > $(ls {BASE}.undo/* | head -n 1)",
    "changed undo copy": f"for f in {BASE}.undo/*; do echo more >> $f; done",
    "removed undo copies": f"rm {BASE}.undo/*",
    "removed undo folder": f"rm -r {BASE}.undo",
    "removed seal": f"rm {BASE}.seal",
    "emptied seal": f": > {BASE}.seal",
    "seal and journal removed": f"rm {BASE}.seal {BASE}.journal",
    "folder that others may write to": "chmod 777 /var/lib/anywhere",
    "folder of another user": "chown 65534 /var/lib/anywhere",
    "undo folder that others may enter": f"chmod 755 {BASE}.undo",
    "journal of another user": f"chown 65534 {BASE}.journal",
    "journal that others may write to": f"chmod 666 {BASE}.journal",
    "undo copy of another user": f"chown 65534 {BASE}.undo/*",
    "journal that is a link": f"mv {BASE}.journal /etc/elsewhere; ln -s /etc/elsewhere {BASE}.journal",
    "journal that is a pipe": f"rm {BASE}.journal; mkfifo -m 600 {BASE}.journal",
}


@pytest.mark.parametrize("damage", spread(DAMAGES, 4))
def test_a_damaged_record_is_reported_and_nothing_is_undone_on_its_word(host: BareHost, damage: str) -> None:
    engine.apply(host, "t", plan)
    host.sh(DAMAGES[damage])
    before = snapshot(host)
    for look in (engine.revert, engine.journaled):
        with pytest.raises(JournalDamaged) as error:
            look(host, "t")
        assert "\n" not in str(error.value) and SECRET not in str(error.value)
    with pytest.raises(ChangeFailed):
        engine.apply(host, "t", lambda seen: file_step(seen, "/etc/a/two", b"later\n", "two"))
    assert snapshot(host) == before


@pytest.mark.parametrize("damage", spread(DAMAGES, 5))
def test_force_missing_undoes_what_is_intact_and_names_each_file_that_is_not(host: BareHost, damage: str) -> None:
    engine.apply(host, "t", plan)
    host.sh(DAMAGES[damage])
    done = engine.revert(host, "t", force_missing=True)
    assert done.missed, "never as if all were well"
    assert "No such file" in host.sh("ls /etc/forged 2>&1 || true")
    named = " ".join(what for what, _ in done.missed)
    for path, original in (("/etc/a/one", "one\n"), ("/etc/a/two", "two\n")):
        now = host.sh(f"cat {path}")
        assert now == original or (now and path in named) or "/var/lib/anywhere" in named, (path, now, done)
    assert not engine.revert(host, "t").missed, "it is forgotten then"
    assert "No such file" in host.sh(f"ls {BASE}.undo 2>&1 || true"), "no password is left in an undo copy"


def test_force_missing_names_the_one_file_and_restores_the_others(host: BareHost) -> None:
    engine.apply(host, "t", plan)
    digest = host.sh("printf 'two\\n' | sha256sum | cut -d' ' -f1").strip()
    host.sh(f": > {BASE}.undo/{digest}")
    done = engine.revert(host, "t", force_missing=True)
    assert [what for what, _ in done.missed] == ["/etc/a/two"] and "undo copy" in done.missed[0][1]
    assert host.sh("cat /etc/a/one; stat -c '%a %u:%g' /etc/a/one; cat /etc/a/two") == "one\n640 7:8\nours\n"
    assert "No such file" in host.sh("ls /etc/b 2>&1 || true")


def test_of_a_merged_file_whose_copy_is_lost_our_lines_go(host: BareHost) -> None:
    merged = f"one\nP=http://u:{SECRET}@p\n"
    lines = ((f"P=http://u:{SECRET}@p", None),)
    engine.apply(host, "t", lambda seen: file_step(seen, "/etc/a/one", merged.encode(), "one", lines=lines))
    host.sh(f": > {BASE}.undo/$(printf 'one\\n' | sha256sum | cut -d' ' -f1)")
    assert [what for what, _ in engine.revert(host, "t", force_missing=True).missed] == ["/etc/a/one"]
    assert host.sh("cat /etc/a/one") == "one\n"


def test_changes_without_any_record_are_reported(host: BareHost) -> None:
    engine.apply(host, "t", plan)
    host.sh("rm -r /var/lib/anywhere")
    with pytest.raises(JournalDamaged, match=r"no record .* /etc/b/c/three"):
        engine.revert(host, "t", traces=lambda seen: ("/etc/b/c/three",))
    done = engine.revert(host, "t", traces=lambda seen: ("/etc/b/c/three",), force_missing=True)
    assert [what for what, _ in done.missed] == ["/etc/b/c/three"]
    assert engine.revert(host, "t", traces=lambda seen: ()) == engine.Reverted()


@pytest.mark.parametrize("mask", ["000", "077"])
def test_the_record_is_for_root_alone_whatever_the_umask(host: BareHost, mask: str) -> None:
    before = os.umask(int(mask, 8))
    try:
        engine.apply(host, "t", plan)
    finally:
        os.umask(before)
    assert host.sh(f"stat -c %a /var/lib/anywhere {BASE}.undo").split() == ["700", "700"]
    assert set(host.sh(f"stat -c %a {BASE}.* {BASE}.undo/*").split()) == {"600", "700"}
    assert host.sh("stat -c %a /etc/b /etc/b/c /etc/b/c/three").split() == ["755", "755", "644"]


def test_an_edit_between_two_applies_is_not_lost(host: BareHost) -> None:
    def merge(seen: Host, url: str) -> tuple[Step, ...]:
        old = seen.read("/etc/a/two").decode()
        kept = [line for line in old.splitlines() if not line.startswith("P=")]
        was = next((line for line in old.splitlines() if line.startswith("P=")), None)
        text = "\n".join([*kept, f"P={url}"]) + "\n"
        return file_step(seen, "/etc/a/two", text.encode(), "two", lines=((f"P={url}", was),))

    engine.apply(host, "t", lambda seen: merge(seen, "A"))
    host.sh("echo theirs >> /etc/a/two")
    engine.apply(host, "t", lambda seen: merge(seen, "B"))
    assert host.sh("cat /etc/a/two") == "two\ntheirs\nP=B\n"
    assert not engine.revert(host, "t").missed
    assert host.sh("cat /etc/a/two") == "two\ntheirs\n"


def test_a_file_reached_by_a_dangling_link_goes_and_the_link_stays(host: BareHost) -> None:
    host.sh("ln -s /etc/a/target /etc/a/link")
    before = snapshot(host)
    engine.apply(host, "t", lambda seen: file_step(seen, "/etc/a/link", b"x\n", "link"))
    assert host.sh("cat /etc/a/target") == "x\n"
    assert not engine.revert(host, "t").missed
    assert snapshot(host) == before


def test_the_command_line_refuses_a_damaged_record_and_forces_on_demand(host: BareHost) -> None:
    """Two profiles with a password, one revert; then once more with an emptied journal."""
    host.sh("mkdir -p /etc/ecs; echo ECS_CLUSTER=a > /etc/ecs/ecs.config; echo user:GeHeim > /run/cred")
    before = snapshot(host)

    def anywhere(words: str) -> Completed:
        return host.run(("sh", "-c", f"cd {os.getcwd()} && {sys.executable} -m anywhere proxy {words}"))

    for url in ("http://a:1", "http://b:2"):
        assert anywhere(f"apply --url {url} --credentials-file /run/cred").ok
    done = anywhere("revert")
    assert done.rc == 0, done.stdout + done.stderr
    assert snapshot(host) == before and "GeHeim" not in host.sh("grep -rs GeHeim /etc /var/lib || true")
    assert anywhere("apply --url http://a:1 --credentials-file /run/cred").ok
    host.sh(": > /var/lib/anywhere/proxy.journal")
    for words in ("revert", "revert --dry-run", "apply --url http://c:3"):
        refused = anywhere(words)
        assert refused.rc == 1 and "damaged" in refused.stdout + refused.stderr, words
    forced = anywhere("revert --force-missing")
    assert forced.rc == 1 and "proxy.journal" in forced.stdout and "GeHeim" not in forced.stdout + forced.stderr
    assert snapshot(host) == before, "the second copy of the journal held all"
    assert anywhere("revert").rc == 0


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("rules", "`anywhere rules revert --force-missing`"),
        ("move", "`anywhere move --cluster CLUSTER --force-missing`"),
        ("register", "`anywhere deregister --force-missing`"),
        ("update", r"`rm -rf /var/lib/anywhere/update\.\*`"),
    ],
)
def test_the_way_out_of_a_damaged_record_is_a_command_that_is_there(host: BareHost, name: str, way: str) -> None:
    engine.apply(host, name, plan)
    host.sh(f"echo no > /var/lib/anywhere/{name}.journal")
    with pytest.raises(JournalDamaged, match=way):
        engine.journaled(host, name)
