"""Many hosts in waves: one canary, then shares of the rest; the first wave with a failure is the last.

Pure over names: what is done to a host, and how many at once, is the caller's. A rollout is resumed by running it
again: hosts that are already so are set apart before the first wave and take no part in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from anywhere.errors import BadInput
from anywhere.frozen import frozen


@frozen
class Rollout:
    """What is where: `already` needed nothing, `done` were changed, `failed` say why, `untouched` were not begun."""

    already: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    untouched: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every host is as wanted."""
        return not self.failed and not self.untouched


def cut(names: Sequence[str], size: str) -> tuple[tuple[str, ...], ...]:
    """The waves for `5%`, `10` or an empty size (all at once). A canary of one goes first, unless all go at once.
    Raises BadInput for any other size."""
    if not size:
        return (tuple(names),) if names else ()
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)(%?)", size.strip())
    amount = float(found[1]) if found else 0.0
    if not found or amount <= 0 or (found[2] and amount > 100) or (not found[2] and amount != int(amount)):
        raise BadInput(f"--wave takes a number of hosts or a share, as in 10 or 5%, not {size!r}")
    each = max(1, math.ceil(len(names) * amount / 100) if found[2] else int(amount))
    rest = list(names[1:])
    return ((names[0],) if names else (), *(tuple(rest[i : i + each]) for i in range(0, len(rest), each)))[: len(names)]


def roll(
    names: Sequence[str],
    size: str,
    pending: Callable[[Sequence[str]], Mapping[str, str | None]],
    act: Callable[[Sequence[str]], Mapping[str, str | None]],
    on_wave: Callable[[int, int, Sequence[str]], None] = lambda number, of, wave: None,
) -> Rollout:
    """Run `act` wave by wave. `pending` says of each host whether it needs the change (None: yes; empty: no; a text:
    it could not be asked, and why); `act` of each host why it failed (None: it did not). A host that could not be asked
    counts as a failure before the first wave, and then nothing is changed anywhere."""
    asked = pending(names)
    already = tuple(name for name in names if asked[name] == "")
    broken = tuple((name, why) for name in names if (why := asked[name]))
    todo = [name for name in names if asked[name] is None]
    waves = cut(todo, size)
    if broken:
        return Rollout(already, (), broken, tuple(todo))
    done: list[str] = []
    for number, wave in enumerate(waves, 1):
        on_wave(number, len(waves), wave)
        results = act(wave)
        done += [name for name in wave if results[name] is None]
        failed = tuple((name, why) for name in wave if (why := results[name]) is not None)
        if failed:
            rest = tuple(name for later in waves[number:] for name in later)
            return Rollout(already, tuple(done), failed, rest)
    return Rollout(already, tuple(done))
