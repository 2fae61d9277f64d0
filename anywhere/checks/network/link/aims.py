"""What findings on this host's link have in common."""

from __future__ import annotations

from collections.abc import Iterable

from anywhere.evidence import Own
from anywhere.facts.firewall.forwarding import Aim
from anywhere.wording import some

ID = "network.own-link"
MOST_AIMS = 24


def own(aims: Iterable[Aim]) -> Own:
    """The evidence that these addresses fail because of this host."""
    return {"explains": [aim.address for aim in aims], "names": []}


def shown(aims: Iterable[Aim]) -> str:
    """Their addresses, as a sentence names them."""
    return some([aim.address for aim in aims])
