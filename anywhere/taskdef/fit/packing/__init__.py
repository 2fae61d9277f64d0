"""Placing tasks on hosts: memory, CPU, GPUs and ports, right when a placement exists, and honest when unproven."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.taskdef.fit.packing.bounds import most
from anywhere.taskdef.fit.packing.exact import OutOfSteps, Search
from anywhere.taskdef.fit.packing.heuristic import quick, repaired
from anywhere.taskdef.fit.packing.model import Bin, Item, Packing, Port, State

__all__ = ["Bin", "Item", "Packing", "Port", "pack"]

QUICK_STEPS = 2_000
STEPS = 15_000


def pack(items: Sequence[Item], bins: Sequence[Bin], steps: int = STEPS) -> Packing:
    """Place as many items as possible. `proven` is whether no packing holds more; a search that used up its steps is
    not a proof. Deterministic: the limit is a number of steps, not a time."""
    bound = most(items, bins)
    states = quick(items, bins, bound)
    best = _searched(states[0], bound, min(QUICK_STEPS, steps))
    if not best.proven:
        best = _searched(repaired(states, bound), bound, steps)
    return best


def _searched(state: State, bound: int, steps: int) -> Packing:
    """The packing of this state, or a better one; proven where the bound is met or the search ends in time."""
    if state.score[0] >= bound:
        return Packing(tuple(state.places), True)
    search = Search(state.items, state.bins, steps)
    try:
        for spare in range(len(state.items) - bound, len(state.items) - state.score[0]):
            better = search.find(spare)
            if better is not None:
                return Packing(tuple(better.places), True)
    except OutOfSteps:
        return Packing(tuple(state.places), False)
    return Packing(tuple(state.places), True)
