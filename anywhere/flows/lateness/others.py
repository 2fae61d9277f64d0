"""What other hosts took meanwhile: who is silent while they are quick is not silent because of this machine."""

from __future__ import annotations

import time
from collections import deque

FEWEST = 3  # other hosts that must have been quick
SHARE = 0.5  # of the time that a host was silent: less than that is quick, for a whole examination


class Others:
    """The hosts that were examined last, and the seconds that each took."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=200)

    def note(self, seconds: float) -> None:
        """One has just been examined."""
        self._seen.append((time.monotonic(), seconds))

    def were_quick(self, seconds: float) -> bool:
        """Whether some were examined in the last `seconds`, and each in a small part of them."""
        since = time.monotonic() - seconds
        took = [one for at, one in self._seen if at >= since]
        return len(took) >= FEWEST and max(took) < SHARE * seconds
