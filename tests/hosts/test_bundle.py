"""Bundles: what is written comes back, what is damaged is one clear line, what cannot be written leaves nothing."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anywhere.errors import BadInput
from anywhere.files import writable, write_file
from anywhere.flows.examine import examine
from anywhere.hosts import bundle
from anywhere.hosts.bundle import LARGEST, load, replay, save
from anywhere.hosts.open import is_bundle, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.settings import Settings
from tests.support.fakehost import FakeHost
from tests.support.pace import within

GOOD: dict[str, Any] = {
    "schema": "anywhere/bundle/1",
    "tool": {"name": "anywhere", "version": "0.1.0"},
    "host": "server1",
    "captured": "2026-11-21T10:00:00Z",
    "settings": {"regions": ["us-east-1"], "features": ["ecr"], "shards": 4, "budget": 6.0},
    "observations": {'read ["/etc/x", 0]': "content"},
}


HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def recorded() -> Recording:
    host = Recording(FakeHost(files={"/etc/os-release": "ID=debian\n", "/bin/x": b"\xff\xfe"}))
    host.read("/etc/os-release")
    host.read("/bin/x")
    host.run(("uname", "-m"))
    with pytest.raises(FileNotFoundError):
        host.read("/none")
    return host


@pytest.mark.parametrize(
    ("spec", "content", "is_one"),
    [
        ("web1", b"", False),
        ("web1", b"ssh-ed25519 AAAA web1\n", False),
        ("web1", b'{"ansible_host": "10.0.0.7"}', False),
        ("web1", gzip.compress(b"a backup of web1", mtime=0), False),
        ("web1", b"\x1f\x8b", False),
        ("ops@web1", b"", False),
        ("local", b"", False),
        ("web1", json.dumps(GOOD).encode(), True),
        ("web1", gzip.compress(json.dumps(GOOD).encode(), mtime=0), True),
        ("web1.json", b"", True),
        ("web1.json.gz", None, True),
        ("./web1", b"", True),
        ("web1", None, False),
        ("ssh://web1", None, False),
    ],
)
def test_a_file_with_the_name_of_a_host_is_no_bundle_unless_it_holds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, content: bytes | None, is_one: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / spec).write_bytes(content)
    assert is_bundle(spec) is is_one
    if is_one and content:
        assert open_recorded(spec, 1.0).name == GOOD["host"]


@pytest.mark.parametrize("command", [("check", "--region", "us-east-1"), ("rules", "plan")])
def test_the_command_line_dials_a_host_that_a_file_is_named_like(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "localhost").write_text("notes on this host\n")
    (tmp_path / "config").write_text("Host *\n  Port 1\n")
    words = ("--host", "localhost", "--ssh-config", "config", "--host-timeout", "20", "--format", "json")
    argv = [sys.executable, "-m", "anywhere", *command, *words]
    done = subprocess.run(argv, cwd=tmp_path, env=HERE, capture_output=True, text=True, timeout=60, check=False)
    report = json.loads(done.stdout)
    assert [row["check"] for row in report["targets"][0]["findings"]] == ["host.reach"], done.stderr


@pytest.mark.parametrize("name", ["host.json", "host.json.gz"])
def test_what_is_saved_comes_back(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    save(recorded(), path, GOOD["captured"], {"regions": ["us-east-1"]})
    body, again = load(path), replay(path)
    assert (body["schema"], body["host"], body["captured"]) == ("anywhere/bundle/1", "fake", GOOD["captured"])
    assert again.read("/etc/os-release") == b"ID=debian\n"
    assert again.read("/bin/x") == b"\xff\xfe"
    assert again.run(("uname", "-m")).rc == 127
    with pytest.raises(FileNotFoundError):
        again.read("/none")
    assert (Path(path).read_bytes()[:2] == b"\x1f\x8b") is name.endswith(".gz")


def test_the_same_observations_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        save(recorded(), str(tmp_path / name), GOOD["captured"], {})
        time.sleep(0.01)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


# --- what cannot be read ------------------------------------------------------------------------------------------


def put(tmp_path: Path, data: bytes | str | dict[str, Any], name: str = "host.json") -> str:
    path = tmp_path / name
    text = json.dumps(data) if isinstance(data, dict) else data
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def refused(path: str) -> str:
    """The one line that says why."""
    with pytest.raises(BadInput) as caught:
        load(path)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 400
    return text


def test_a_good_one_is_good(tmp_path: Path) -> None:
    assert load(put(tmp_path, GOOD))["observations"] == GOOD["observations"]


def test_an_absent_one(tmp_path: Path) -> None:
    assert "No such file" in refused(str(tmp_path / "none.json"))
    assert "Is a directory" in refused(str(tmp_path))


@pytest.mark.parametrize("part", [2, 9, 10, 11, 30, -9, -8, -4, -1])
def test_a_truncated_one(tmp_path: Path, part: int) -> None:
    whole = gzip.compress(json.dumps(GOOD).encode(), mtime=0)
    assert "cut off or damaged" in refused(put(tmp_path, whole[:part], "host.json.gz"))


@pytest.mark.parametrize("place", range(10, 200, 23))
def test_a_damaged_one(tmp_path: Path, place: int) -> None:
    whole = bytearray(gzip.compress(json.dumps(GOOD).encode(), mtime=0))
    whole[place] ^= 0xFF
    refused(put(tmp_path, bytes(whole), "host.json.gz"))


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"{", b'{"schema": "anywhere/bundle/1", "observations": ', b"\xff\xfe\x00", b"[1,]", b"NaN"]
    + [
        b'{"schema":"anywhere/bundle/1","observations":{"a":1e999}}',
        b'{"schema":"anywhere/bundle/1","observations":{"a":NaN}}',
    ]
    + [b"9" * 5000, b'"\\ud8', b"\x00" * 64],
)
def test_what_is_not_json(tmp_path: Path, data: bytes) -> None:
    assert "not JSON" in refused(put(tmp_path, data))


@pytest.mark.parametrize(
    "data",
    [b"[]", b"null", b"1", b'"x"', b"{}", b'{"schema": 1}', b'{"schema": "x"}', b'{"schema": "anywhere/report/1"}'],
)
def test_json_of_another_kind(tmp_path: Path, data: bytes) -> None:
    assert "not a bundle" in refused(put(tmp_path, data))


def test_a_newer_one(tmp_path: Path) -> None:
    text = refused(put(tmp_path, GOOD | {"schema": "anywhere/bundle/2"}))
    assert "anywhere/bundle/2 comes from another version" in text
    refused(put(tmp_path, GOOD | {"schema": "anywhere/bundle/" + "9" * 9000}))


@pytest.mark.parametrize("depth", [64, 2_000, 200_000])
@pytest.mark.parametrize("mark", ["[", '{"a":'])
def test_deep_nesting(tmp_path: Path, depth: int, mark: str) -> None:
    refused(put(tmp_path, mark * depth))
    closing = {"[": "]", '{"a":': "}"}[mark]
    whole = json.dumps(GOOD)[:-1] + ', "deep": ' + mark * depth + "1" * (mark != "[") + closing * depth + "}"
    assert "not JSON" in refused(put(tmp_path, whole))
    inside = json.dumps(GOOD).replace('"content"', mark * depth + "1" * (mark != "[") + closing * depth)
    assert "not JSON" in refused(put(tmp_path, inside))


@pytest.mark.parametrize(
    "change",
    [
        {"observations": None},
        {"observations": []},
        {"settings": None},
        {"settings": []},
        {"settings": {"regions": "us-east-1"}},
        {"settings": {"regions": [1]}},
        {"settings": {"shards": "4"}},
        {"settings": {"shards": True}},
        {"settings": {"budget": "6"}},
        {"settings": {"features": {"a": 1}}},
        {"host": 5},
        {"captured": "yesterday"},
        {"captured": 5},
    ],
)
def test_damaged_parts(tmp_path: Path, change: dict[str, Any]) -> None:
    refused(put(tmp_path, GOOD | change))


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path: Path) -> None:
    """Not unpacked any further than a bundle may be."""
    packer = gzip.GzipFile(tmp_path / "bomb.json.gz", "wb", mtime=0)
    with packer:
        for _ in range(2 * (LARGEST >> 20)):
            packer.write(b" " * (1 << 20))
    assert os.path.getsize(tmp_path / "bomb.json.gz") < LARGEST // 100
    started = time.monotonic()
    assert "larger than a bundle can be" in refused(str(tmp_path / "bomb.json.gz"))
    assert time.monotonic() - started < within(5)


def test_a_bomb_does_not_cost_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(bundle, "LARGEST", 1 << 20)
    with gzip.open(tmp_path / "bomb.json.gz", "wb") as packer:
        for _ in range(64):
            packer.write(b"0" * (1 << 20))
    tracemalloc.start()
    refused(str(tmp_path / "bomb.json.gz"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_what_is_no_file_does_not_hold_the_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    started = time.monotonic()
    for name in ("pipe.json", "zero.json"):
        assert "not a file" in refused(str(tmp_path / name))
    assert time.monotonic() - started < within(1)


# --- what is observed wrong in it ---------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
VERBS = ("run", "read", "listdir", "resolve", "probe", "inventory")


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_any_observation_decodes_or_is_bad_input(value: object) -> None:
    from anywhere.hosts.base import Answer, Completed, Inventory, Probe
    from anywhere.hosts.codec import decode

    for kind in (Completed, bytes, tuple[str, ...], Answer, Probe, Inventory, Settings):
        try:
            decode(kind, value)
        except BadInput:
            pass


@pytest.fixture(scope="module")
def a_run() -> dict[str, Any]:
    """The observations of a run on a host of tables."""
    host = Recording(FakeHost(files={"/etc/resolv.conf": "nameserver 10.0.0.53\n", "/etc/os-release": "ID=debian\n"}))
    examine(host, Settings(regions=("us-east-1",), shards=1))
    return host.observations()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_run_on_damaged_observations_still_ends_in_a_report(a_run: dict[str, Any], data: st.DataObject) -> None:
    keys = sorted(a_run)
    damaged = dict(a_run)
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=6)):
        damaged[key] = data.draw(JSON)
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=3)):
        damaged.pop(key, None)
    target = examine(Recording(None, damaged, "x"), Settings(regions=("us-east-1",), shards=1))
    crashed = [f for f in target.findings if "traceback" in f.evidence]
    assert not crashed, crashed[0].evidence["traceback"]


# --- what cannot be written ---------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "x.json", tmp_path):
        with pytest.raises(BadInput, match="cannot write"):
            writable(str(path))
        with pytest.raises(BadInput, match="cannot write"):
            write_file(str(path), b"x")
    writable(str(tmp_path / "x.json"))


def test_nothing_beside_the_file_is_left(tmp_path: Path) -> None:
    write_file(str(tmp_path / "x"), b"data")
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"data"


def test_a_file_keeps_its_mode_and_a_new_one_has_the_usual(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o600)
    old = os.umask(0o027)
    try:
        write_file(str(tmp_path / "old"), b"new")
        write_file(str(tmp_path / "new"), b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_a_link_laid_in_its_way_is_not_followed(tmp_path: Path) -> None:
    """In a folder that others may write to, the scratch file's name must not be guessed."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in (f".x.json.{os.getpid()}", ".x.json.tmp", ".x.json."):
        (tmp_path / name).symlink_to(victim)
    write_file(str(tmp_path / "x.json"), b"data")
    assert victim.read_text() == "mine"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_file("/dev/null", b"data")
    with pytest.raises(BadInput, match="No space left"):
        write_file("/dev/full", b"data")
    assert not [name for name in os.listdir("/dev") if name.startswith(".")]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(str(tmp_path / "x"), b"data")
    assert os.listdir(tmp_path) == []


FULL = """
mount -t tmpfs -o size=64k tmpfs {folder}
head -c 60000 /dev/zero > {folder}/ballast
printf old > {folder}/host.json
{python} - <<'END'
from anywhere.errors import BadInput
from anywhere.files import write_file
try:
    write_file("{folder}/host.json", b"x" * 100000)
except BadInput as error:
    print(error)
END
ls -A {folder}
cat {folder}/host.json
"""


@pytest.mark.region
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    script = FULL.format(folder=tmp_path, python=sys.executable)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30)
    said, *rest = done.stdout.splitlines()
    assert said == f"cannot write {tmp_path}/host.json: No space left on device", done.stderr
    assert rest == ["ballast", "host.json", "old"]
    assert done.stderr == ""
