"""What stops a run. The state of a host is never an error: it is a finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", cutoff: float = 0.6) -> str:
    """`did you mean A or B?` for the known words that are near in any case (a cutoff of 1: the same), else `otherwise`."""
    from difflib import get_close_matches

    words = {one.lower(): one for one in known}
    given = word[:80].lower()
    near = [words[one] for one in ([given] if given in words else get_close_matches(given, words, 3, cutoff))]
    return f"did you mean {' or '.join(near)}?" if near else otherwise


class AnywhereError(Exception):
    """The run cannot go on. `exit_code` is what the process returns; the text is one line that says how to fix it."""

    exit_code = 2


class BadInput(AnywhereError):
    """An argument, file or bundle that cannot be used (exit code 2)."""

    @classmethod
    def unknown(cls, kind: str, word: str, allowed: Sequence[str]) -> BadInput:
        """The error for a word that is none of those allowed: names the near misses, or all when none is near."""
        hint = did_you_mean(word, allowed, f"known are {', '.join(allowed)}")
        return cls(f"unknown {kind} {word[:80]!r}; {hint}")

    @classmethod
    def require(cls, kind: str, word: str, allowed: Iterable[str]) -> None:
        """Raise that error unless the word is one of those allowed."""
        known = tuple(allowed)
        if word not in known:
            raise cls.unknown(kind, word, known)


class HostUnreachable(AnywhereError):
    """Login failed, or the connection was lost (exit code 3). A run over many hosts continues without this one.

    `timed` is whether it was a timeout, which an overloaded machine on this side can cause too; `was_up` whether login had
    succeeded and the host stopped answering later.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        code: str = "host.unreachable",
        remedy: str = "",
        timed: bool = False,
        was_up: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy
        self.timed = timed
        self.was_up = was_up


class NotRecorded(AnywhereError):
    """A replayed bundle holds no such observation: the finding becomes an error, never a pass or a fail."""

    exit_code = 3


class ParseError(BadInput):
    """Text from a host that does not have the format it should have."""
