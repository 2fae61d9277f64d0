"""What makes a machine itself: taken off an image (`reset --seal`), given anew to a clone (`reset --reclaim`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anywhere.changes.base import Command, Step
from anywhere.changes.files import file_step
from anywhere.changes.leave.plan import script
from anywhere.hosts.base import Host

UNIT = "anywhere-first-boot.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
_TEXT = Path(__file__).with_name("first_boot.service").read_bytes()


def seal_steps(host: Host) -> Iterator[Step]:
    """No identity is left: machine-id, SSH host keys, random seed. A clone makes its own at its first boot."""
    yield from file_step(host, UNIT_FILE, _TEXT, f"write {UNIT_FILE}: a clone makes its own SSH host keys")
    yield Step("first-boot", f"enable {UNIT}", Command(("systemctl", "enable", "--quiet", UNIT)))
    yield Step("seal", "empty /etc/machine-id, remove the SSH host keys and the random seed", Command(script("seal")))


def reclaim_steps() -> Iterator[Step]:
    """A machine-id and SSH host keys of its own, at once."""
    said = "give this machine a new machine-id and new SSH host keys (clients will be asked to accept them)"
    yield Step("reclaim", said, Command(script("reclaim"), timeout=120))
