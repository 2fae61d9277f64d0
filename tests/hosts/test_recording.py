"""A recording is cache, bundle and replay: the same answers, asked for once, and no secret in what is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from anywhere.errors import HostUnreachable, NotRecorded
from anywhere.hosts.base import Answer, Completed, Daemon, Inventory, Probe, ProbeSpec, Query
from anywhere.hosts.recording import ERRORS, Recording
from anywhere.model import Reason, Stage
from tests.support.fakehost import FakeHost
from tests.support.pace import within

KEY, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYaDKq"
SPEC = ProbeSpec("ecs.us-east-1.amazonaws.com", address="203.0.113.10")
NAME = Query("ecs.us-east-1.amazonaws.com", "10.0.0.53")
INVENTORY = Inventory(
    memory_total=8 << 30,
    environment={"HTTPS_PROXY": "http://edge:p@ss/w,rd@10.0.0.80:3128", "AWS_SECRET_ACCESS_KEY": KEY},
    daemons=(
        Daemon("ecs-agent", 42, {"AWS_SESSION_TOKEN": TOKEN, "https_proxy": "edge:s3cret@p:1", "ECS_CLUSTER": "c"}),
    ),
    is_root=True,
)


@dataclass
class CountingHost(FakeHost):
    """Counts what it is asked, and takes its time."""

    asked: list[str] = field(default_factory=list)
    delay: float = 0.0

    def _note(self, what: str) -> None:
        self.asked.append(what)
        time.sleep(self.delay)

    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = 10.0) -> Completed:
        self._note("run")
        return super().run(argv, input=input, timeout=timeout)

    def read(self, path: str, *, tail: int = 0) -> bytes:
        self._note("read")
        return super().read(path, tail=tail)

    def resolve(self, query: Query) -> Answer:
        self._note("resolve")
        return Answer(query.name, query.server or "system", ("203.0.113.10",), seconds=0.01)

    def probe(self, spec: ProbeSpec) -> Probe:
        self._note("probe")
        refused = Reason.PROXY_AUTH_REQUIRED if "wrong" in spec.proxy else None
        return Probe(replace(spec, proxy=""), Stage.PROXY if refused else Stage.DONE, refused)


def live(**tables: object) -> Recording:
    return Recording(CountingHost(found=INVENTORY, **tables))


def again(recording: Recording) -> Recording:
    """The replay of what was kept, through JSON as a bundle does it."""
    return Recording(None, json.loads(json.dumps(recording.observations())), "again")


def dump(recording: Recording) -> str:
    return json.dumps(recording.observations(), ensure_ascii=False)


# --- cache --------------------------------------------------------------------------------------------------------


def test_each_thing_is_asked_once() -> None:
    host = CountingHost(files={"/a": "x"})
    recording = Recording(host)
    for _ in range(3):
        recording.read("/a")
        recording.run(("uname", "-m"))
        recording.resolve(NAME)
        recording.probe(SPEC)
    assert sorted(host.asked) == ["probe", "read", "resolve", "run"]


def test_errors_are_cached_too() -> None:
    host = CountingHost()
    recording = Recording(host)
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            recording.read("/none")
    assert host.asked == ["read"]


def test_a_tail_is_not_the_whole() -> None:
    recording = live(files={"/log": "0123456789"})
    assert (recording.read("/log", tail=3), recording.read("/log")) == (b"789", b"0123456789")
    assert (again(recording).read("/log", tail=3), again(recording).read("/log")) == (b"789", b"0123456789")


def test_what_could_not_be_derived_is_not_tried_again() -> None:
    host, tried = Recording(CountingHost()), []

    def survey() -> str:
        tried.append(1)
        raise HostUnreachable("web1: the connection was lost")

    for _ in range(3):
        with pytest.raises(HostUnreachable, match="connection was lost"):
            host.once("survey", survey)
    assert len(tried) == 1 and host.once("other", lambda: 7) == 7


def test_all_at_once_still_asks_once() -> None:
    host = CountingHost(files={"/a": "x"}, delay=0.1)
    recording = Recording(host)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(recording.read("/a"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.asked == ["read"] and found == [b"x"] * 40


def test_one_slow_answer_does_not_hold_the_others() -> None:
    host = CountingHost(delay=0.2)
    recording = Recording(host)
    started = time.monotonic()
    threads = [threading.Thread(target=recording.probe, args=(replace(SPEC, host=f"h{n}"),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < within(1.0)
    assert len(host.asked) == 20


def test_a_bundle_may_be_taken_while_others_still_look() -> None:
    recording = Recording(CountingHost(delay=0.001))
    over = threading.Event()

    def work() -> None:
        for number in range(300):
            recording.probe(replace(SPEC, host=f"h{number}"))
        over.set()

    threading.Thread(target=work, daemon=True).start()
    while not over.is_set():
        dump(recording)


def test_two_passwords_for_one_proxy_are_two_questions() -> None:
    """One component with an old password fails while the others pass."""
    recording = live()
    assert recording.probe(replace(SPEC, proxy="http://edge:right@p:1")).ok
    assert recording.probe(replace(SPEC, proxy="http://edge:wrong@p:1")).reason is Reason.PROXY_AUTH_REQUIRED
    assert "right" not in dump(recording) and "wrong" not in dump(recording)


def test_an_action_is_not_recorded() -> None:
    with pytest.raises(ValueError, match="does not act"):
        live().run(("tee", "/x"), input=b"data")


def test_a_lost_connection_is_no_observation() -> None:
    class Lost(CountingHost):
        def read(self, path: str, *, tail: int = 0) -> bytes:
            raise HostUnreachable("gone")

    recording = Recording(Lost())
    with pytest.raises(HostUnreachable):
        recording.read("/a")
    assert recording.observations() == {}


# --- replay -------------------------------------------------------------------------------------------------------


def test_what_was_seen_comes_back_as_it_was() -> None:
    recording = live(
        files={"/a": "x", "/b": b"\xff\x00\xfe"}, folders={"/d": ("one", "two")}, commands={("u",): "out\n"}
    )
    seen = [
        (recording.read("/a"), lambda one: one.read("/a")),
        (recording.read("/b"), lambda one: one.read("/b")),
        (recording.listdir("/d"), lambda one: one.listdir("/d")),
        (recording.run(("u",)), lambda one: one.run(("u",))),
        (recording.run(("none",)), lambda one: one.run(("none",))),
        (recording.resolve(NAME), lambda one: one.resolve(NAME)),
        (recording.probe(SPEC), lambda one: one.probe(SPEC)),
    ]
    replayed = again(recording)
    for value, ask in seen:
        assert ask(replayed) == value


def test_a_probe_with_everything_in_it() -> None:
    from anywhere.hosts.base import HttpFacts, TlsFacts

    tls = TlsFacts("TLSv1.3", "X", "CA", "Amazon", "leaf", ("a", "b"), 1.5, 2.5, ("CA, Amazon",), True)
    http = HttpFacts(403, 1.0, {"server": "x"}, "body")
    probe = Probe(
        SPEC, Stage.HTTP, Reason.HTTP_TIMEOUT, "d", "1.2.3.4", tls, http, 0.1, 0.2, 0.3, 0.6, 9.0, False, True
    )

    class One(CountingHost):
        def probe(self, spec: ProbeSpec) -> Probe:
            return probe

    recording = Recording(One())
    recording.probe(SPEC)
    assert again(recording).probe(SPEC) == probe


@pytest.mark.parametrize("kind", sorted(ERRORS.values(), key=lambda kind: kind.__name__))
def test_errors_come_back_as_the_same_builtin_ones(kind: type[OSError]) -> None:
    class Failing(CountingHost):
        def read(self, path: str, *, tail: int = 0) -> bytes:
            raise kind(1, "told so", path)

        listdir = read

    recording = Recording(Failing())
    for look in ("read", "listdir"):
        with pytest.raises(kind):
            getattr(recording, look)("/a")
        with pytest.raises(kind) as caught:
            getattr(again(recording), look)("/a")
        assert caught.value.strerror == "told so"


def test_an_error_that_no_bundle_knows_is_an_oserror() -> None:
    class Failing(CountingHost):
        def read(self, path: str, *, tail: int = 0) -> bytes:
            raise TimeoutError("no answer")

    recording = Recording(Failing())
    with pytest.raises(TimeoutError):
        recording.read("/a")
    with pytest.raises(OSError):
        again(recording).read("/a")


def test_what_was_not_seen_is_not_known() -> None:
    replayed = again(live())
    looks = [
        lambda: replayed.read("/a"),
        lambda: replayed.listdir("/a"),
        lambda: replayed.run(("uname",)),
        lambda: replayed.resolve(NAME),
        lambda: replayed.probe(SPEC),
        lambda: replayed.inventory(),
    ]
    for look in looks:
        for _ in range(2):
            with pytest.raises(NotRecorded, match="the bundle does not hold"):
                look()


def test_a_replay_has_all_the_time_in_the_world() -> None:
    assert again(live()).deadline.left() > 1e8


def test_the_order_is_stable() -> None:
    one, other = live(files={"/a": "x", "/b": "y"}), live(files={"/a": "x", "/b": "y"})
    for path in ("/a", "/b"):
        one.read(path)
    for path in ("/b", "/a"):
        other.read(path)
    assert dump(one) == dump(other)


# --- secrets ------------------------------------------------------------------------------------------------------

VAULT = '{"instanceID":"mi-0123456789abcdef0","region":"us-east-1","privateKey":"MIIEpAIBAAKCAQEA7x+/=","privateKeyType":"Rsa"}'


def test_the_inventory_keeps_no_secret() -> None:
    recording = live()
    assert recording.inventory() == INVENTORY  # the checks need the true values
    kept = dump(recording)
    for secret in (KEY, TOKEN, "ss/w", "rd@", "s3cret", "edge"):
        assert secret not in kept
    replayed = again(recording).inventory()
    assert replayed.environment["HTTPS_PROXY"] == "http://***@10.0.0.80:3128"
    assert replayed.daemons[0].environment == {"AWS_SESSION_TOKEN": "***", "https_proxy": "***@p:1", "ECS_CLUSTER": "c"}


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (VAULT, "MIIEpAIB"),
        (f"[default]\naws_secret_access_key = {KEY}\n", KEY),
        (f"[default]\naws_secret_access_key = {KEY}\n".encode() + b"\xff\xfe", KEY),
        ("HTTPS_PROXY=http://edge:p ss@10.0.0.80:3128\n", "ss@"),
        ("HTTPS_PROXY=http://edge:gr\xfc\xdfe@10.0.0.80:3128\n".encode("latin-1"), "edge:"),
        ('ECS_ENGINE_AUTH_DATA={"r": {"username": "u", "password": "h,unter2", "auth": "dXNlcjpw"}}', "unter2"),
        ('ECS_ENGINE_AUTH_DATA={"r": {"username": "u", "password": "h,unter2", "auth": "dXNlcjpw"}}', "dXNlcjpw"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n", "MIIEvQ"),
        ("2026-11-21 register -code abcDEF123 -id 0a1b\n", "abcDEF123"),
    ],
)
def test_no_file_and_no_output_keeps_a_secret(content: str | bytes, secret: str) -> None:
    text = content if isinstance(content, str) else content.decode("latin-1")
    recording = live(files={"/f": content}, commands={("cat", "/f"): Completed(("cat", "/f"), 0, text, text)})
    recording.read("/f")
    recording.run(("cat", "/f"))
    assert secret in text
    assert secret not in dump(recording)
    assert secret.encode() not in again(recording).read("/f")
    # The rest is still there, in bytes that are no text too.
    assert len(again(recording).read("/f")) > 3


def test_a_settings_file_in_odd_bytes_keeps_them() -> None:
    content = b"ECS_CLUSTER=caf\xe9\nHTTPS_PROXY=http://u:p@h:1\n"
    recording = live(files={"/etc/ecs/ecs.config": content})
    recording.read("/etc/ecs/ecs.config")
    assert again(recording).read("/etc/ecs/ecs.config") == b"ECS_CLUSTER=caf\xe9\nHTTPS_PROXY=http://***@h:1\n"


def test_a_probe_through_a_proxy_keeps_no_password() -> None:
    recording = live()
    recording.probe(replace(SPEC, proxy="http://edge:p@ss/w#rd@10.0.0.80:3128"))
    recording.probe(replace(SPEC, proxy="edge:p@ss/w#rd@10.0.0.80:3128"))
    assert "ss/w" not in dump(recording) and "edge" not in dump(recording)


def test_an_error_keeps_no_secret() -> None:
    class Failing(CountingHost):
        def read(self, path: str, *, tail: int = 0) -> bytes:
            raise OSError(5, f"aws_secret_access_key={KEY}")

    recording = Recording(Failing())
    with pytest.raises(OSError):
        recording.read("/a")
    assert KEY not in dump(recording)


def test_a_probe_that_nobody_waited_for_is_not_kept() -> None:
    """A second look was answered sooner: whoever judges the bundle must not know more than the run did."""
    seen = Recording(CountingHost())
    seen.probe(SPEC)
    seen.probe(replace(SPEC, wait=6.0))
    seen.leave_out([replace(SPEC, wait=6.0)])
    again = Recording(None, seen.observations())
    assert again.probe(SPEC).ok
    with pytest.raises(NotRecorded):
        again.probe(replace(SPEC, wait=6.0))
