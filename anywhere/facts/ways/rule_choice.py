"""Which of this host's own packets a routing rule is for, as `ip rule` prints it (ip-rule(8))."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.facts.firewall.forwarding import Aim
from anywhere.facts.network.kernel_routes import TableRoute, covers

ROOT = 0  # whose the agents and docker are
ACTIONS = ("lookup", "prohibit", "unreachable", "blackhole", "goto", "nop", "suppress_prefixlength", "suppress_ifgroup")


def chosen_by(rule: str, aim: Aim, mark: int = 0) -> bool:
    """Whether a rule is certainly for what root's programs send there from any of this host's addresses."""
    words = rule.partition(":")[2].split()
    inverted = words[:1] == ["not"]
    words = words[1:] if inverted else words
    if words[:1] != ["from"]:
        return False
    answers = list(_answers(words, aim, mark))
    if inverted:
        return False in answers
    return all(answer is True for answer in answers)


def _answers(words: list[str], aim: Aim, mark: int) -> Iterator[bool | None]:
    """For each selector whether it fits; None where that is not known. Without a mark of its own a packet has 0."""
    for name, value in zip(words[::2], words[1::2], strict=False):
        if name in ACTIONS or value in ACTIONS[1:4]:
            return
        if name == "from":
            yield True if value == "all" else None
        elif name == "to":
            yield covers(TableRoute(value), aim.address)
        elif name == "iif":
            yield value == "lo"
        elif name == "fwmark":
            yield _has_mark(value, mark)
        elif name == "ipproto":
            yield value in (aim.protocol, {"tcp": "6", "udp": "17"}[aim.protocol])
        elif name == "dport":
            yield _within(value, aim.port)
        elif name == "uidrange":
            yield _within(value, ROOT)
        else:
            yield None


def _has_mark(value: str, mark: int) -> bool | None:
    wanted, _, mask = value.partition("/")
    try:
        return mark & (int(mask, 0) if mask else 0xFFFFFFFF) == int(wanted, 0)
    except ValueError:
        return None


def _within(value: str, number: int) -> bool | None:
    first, _, last = value.partition("-")
    return int(first) <= number <= int(last or first) if (first + last).isdigit() else None
