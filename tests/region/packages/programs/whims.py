"""How a stand-in was told to misbehave: words in a file, one a line."""

from __future__ import annotations


def whims(name: str) -> dict[str, str]:
    """Word to value, from /etc/region/NAME."""
    try:
        with open(f"/etc/region/{name}") as file:
            words = file.read().split()
    except OSError:
        return {}
    return {word.partition("=")[0]: word.partition("=")[2] for word in words}
