"""What a bundle of an earlier version does not hold is not known, and stops nothing else."""

from __future__ import annotations

from anywhere.errors import NotRecorded
from anywhere.facts.network.kernel_routes import RULES, hop
from anywhere.facts.system.os_release import PATHS, os_release
from anywhere.hosts.base import Completed

KEPT = {
    RULES: "500:\tfrom all ipproto tcp dport 443 lookup 100\n",
    ("ip", "-4", "route", "get", "203.0.113.10"): "203.0.113.10 via 10.47.0.1 dev eth0 src 10.47.0.10 uid 0\n",
}


class OldBundle:
    """A host of which only os-release and a few commands were kept."""

    def read(self, path: str, *, tail: int = 0) -> bytes:
        if path != PATHS[0]:
            raise NotRecorded(path)
        return b"ID=debian\nVERSION_ID=12\n"

    def run(self, argv: tuple[str, ...], **_: object) -> Completed:
        if argv not in KEPT:
            raise NotRecorded(str(argv))
        return Completed(argv, 0, KEPT[argv])


def test_a_release_whose_base_was_not_asked_for() -> None:
    found = os_release(OldBundle())  # type: ignore[arg-type]  # it has what is asked
    assert (found.id, found.version, found.image_based) == ("debian", "12", False)


def test_a_route_that_was_asked_for_without_its_port() -> None:
    found = hop(OldBundle(), "203.0.113.10", port=443, protocol="tcp")  # type: ignore[arg-type]
    assert found is not None and found.gateway == "10.47.0.1"
