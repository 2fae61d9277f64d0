"""Quick packings and their repair: good answers fast, no proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anywhere.taskdef.fit.packing.model import Bin, Item, State
from anywhere.taskdef.fit.packing.split import divide

# Effort of the repairs in all, in items looked at: a few seconds.
MOST_WORK = 600_000


# How often free room is let flow to one bin before another is tried: broad first, then deep.
TRICKLES = (0, 60, 400)


class _Dice:
    """Numbers without a pattern and the same in every run (Knuth's linear congruential generator), and how long a
    repair stays with one bin."""

    def __init__(self, seed: int, trickles: int) -> None:
        self.state = seed
        self.trickles = trickles

    def below(self, limit: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def shuffled(self, values: Sequence[int]) -> list[int]:
        rest, result = list(values), []
        while rest:
            result.append(rest.pop(self.below(len(rest))))
        return result


def quick(items: Sequence[Item], bins: Sequence[Bin], enough: int) -> list[State]:
    """Packings by several orders, the best first; ends as soon as `enough` items have a place."""
    states: list[State] = []
    for order in _orders(items, bins):
        for prefer in (_tightest, _roomiest):
            state = State(items, bins)
            _fill(state, order, prefer)
            states.append(state)
            if state.score[0] >= enough:
                return states[::-1]
    return sorted(states, key=lambda state: state.score, reverse=True)


def repaired(states: Sequence[State], enough: int) -> State:
    """The best that repairing the first of these packings leads to."""
    found = list(states)
    for turn, (state, trickles) in enumerate(zip(states, TRICKLES)):
        work = MOST_WORK // len(TRICKLES)
        found.append(_repaired(state.copy(), _Dice(turn + 1, trickles), enough, work))
        if found[-1].score[0] >= enough:
            break
    return max(found, key=lambda state: state.score)


def _orders(items: Sequence[Item], bins: Sequence[Bin]) -> list[list[int]]:
    """Orders to place in: hardest to place first, largest first, smallest first."""
    total = [max(1, sum(bin.sizes[at] for bin in bins)) for at in range(4)]

    def weight(item: int) -> float:
        return max(size / whole for size, whole in zip(items[item].sizes, total))

    every = range(len(items))
    return [
        sorted(every, key=lambda item: (len(items[item].bins), -len(items[item].ports), -weight(item))),
        sorted(every, key=lambda item: (not items[item].ports, -weight(item))),
        sorted(every, key=lambda item: -weight(item)),
        sorted(every, key=weight),
    ]


def _fill(state: State, order: Sequence[int], prefer: Callable[[State, int], tuple[float, ...]]) -> None:
    for item in order:
        bins = [bin for bin in sorted(state.items[item].bins) if state.fits(item, bin)]
        if bins:
            state.put(item, min(bins, key=lambda bin: prefer(state, bin)))


def _tightest(state: State, bin: int) -> tuple[float, ...]:
    return (_share(state, bin), bin)


def _roomiest(state: State, bin: int) -> tuple[float, ...]:
    return (-_share(state, bin), bin)


def _share(state: State, bin: int) -> float:
    """The smaller of the shares of memory and CPU that are free."""
    pairs = zip(state.room[bin][:2], state.bins[bin].sizes[:2])
    return min((left / whole for left, whole in pairs if whole), default=0.0)


def _repaired(state: State, dice: _Dice, enough: int, work: int) -> State:
    """Place what was left out by moving single items, gathering free memory in one bin, and shaking when stuck."""
    best = state.copy()
    while state.left and state.work < work:
        for item in dice.shuffled(state.left):
            if state.work < work:
                _direct(state, item) or _evict(state, item) or _gather(state, item, dice)
        if state.score > best.score:
            best = state.copy()
        if best.score[0] >= enough:
            break
        _shake(state, dice)
    return best


def _direct(state: State, item: int) -> bool:
    for bin in sorted(state.items[item].bins):
        if state.fits(item, bin):
            state.put(item, bin)
            return True
    return False


def _evict(state: State, item: int) -> bool:
    """Move one item elsewhere so that this one fits."""
    for bin in sorted(state.items[item].bins):
        state.work += len(state.held[bin])
        for other in list(state.held[bin]):
            state.take(other)
            if state.fits(item, bin):
                state.put(item, bin)
                if _direct(state, other):
                    return True
                state.take(item)
            state.put(other, bin)
    return False


def _gather(state: State, item: int, dice: _Dice) -> bool:
    """Gather free memory in one bin until the item fits there."""
    for sink in dice.shuffled(sorted(state.items[item].bins))[: 2 if dice.trickles else 4]:
        others = [bin for bin in range(len(state.bins)) if bin != sink]
        for bin in dice.shuffled(others):
            if state.room[bin][0]:
                divide(state, bin, sink)
            if _direct(state, item):
                return True
        if _evict(state, item) or _trickle(state, item, sink, others, dice):
            return True
    return False


def _trickle(state: State, item: int, sink: int, others: Sequence[int], dice: _Dice) -> bool:
    """Divide pairs of other bins at random and let what becomes free flow to the sink; free room outside never grows."""
    for _ in range(dice.trickles if len(others) > 1 else 0):
        open_bins = [bin for bin in others if state.room[bin][0]]
        if not open_bins:
            return False
        first = open_bins[dice.below(len(open_bins))]
        second = [bin for bin in others if bin != first][dice.below(len(others) - 1)]
        divide(state, first, second, dice.below(state.bins[first].memory + 1))
        divide(state, first, sink)
        divide(state, second, sink)
        if state.fits(item, sink):
            state.put(item, sink)
            return True
    return False


def _shake(state: State, dice: _Dice) -> None:
    """Change places at random: pairs divided anew, and a left-out item put in the place of those in its way."""
    count = len(state.bins)
    for _ in range(4 if count > 1 else 0):
        first, second = dice.shuffled(range(count))[:2]
        divide(state, first, second, dice.below(state.bins[first].memory + 1))
    left = state.left
    item = left[dice.below(len(left))]
    bins = sorted(state.items[item].bins)
    if not bins:
        return
    bin = bins[dice.below(len(bins))]
    ports = state.items[item].ports
    in_the_way = [other for other in state.held[bin] if not ports.isdisjoint(state.items[other].ports)]
    others = dice.shuffled([other for other in state.held[bin] if other not in in_the_way])
    for other in in_the_way + others:
        if state.fits(item, bin):
            break
        state.take(other)
    if state.fits(item, bin):
        state.put(item, bin)
    state.work += 10
