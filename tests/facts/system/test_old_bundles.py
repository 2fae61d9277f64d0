"""What a bundle of an earlier version does not hold is not known, and stops nothing else."""

from __future__ import annotations

from anywhere.errors import NotRecorded
from anywhere.facts.system.os_release import PATHS, os_release


class OldBundle:
    """A host of which only os-release was kept."""

    def read(self, path: str, *, tail: int = 0) -> bytes:
        if path != PATHS[0]:
            raise NotRecorded(path)
        return b"ID=debian\nVERSION_ID=12\n"


def test_a_release_whose_base_was_not_asked_for() -> None:
    found = os_release(OldBundle())  # type: ignore[arg-type]  # it has what is asked
    assert (found.id, found.version, found.image_based) == ("debian", "12", False)
