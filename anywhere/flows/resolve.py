"""The addresses that names have from this machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from anywhere.hosts.base import Deadline, Query
from anywhere.hosts.local import LocalHost
from anywhere.threads import fan_out

BUDGET = 8.0  # seconds for all look-ups together
AT_ONCE = 32


def resolve(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The addresses of each name; none for one that is not known."""
    host = LocalHost(Deadline(BUDGET))
    answers = fan_out([partial(host.resolve, Query(name)) for name in names], AT_ONCE)
    return {answer.name: answer.addresses for answer in answers}
