"""The text of one check id."""

from __future__ import annotations

from anywhere.frozen import frozen

CHECK = "check"


@frozen
class CheckText:
    """An id (`topic.slug`), what is looked at in a few words, what it means, and the command or commands that ask."""

    id: str
    title: str
    means: str
    asked_by: str = CHECK

    @property
    def topic(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]
