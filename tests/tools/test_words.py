"""The words that a user sees: none of those that are ruled out, and a detector that finds them."""

from __future__ import annotations

import pytest

from tests.tools.words import Text, flags, texts


def test_nothing_is_flagged() -> None:
    assert [f"{text.path}:{text.line}: {flag}" for text in texts() for flag in flags(text)] == []


def test_the_list_is_long() -> None:
    found = list(texts())
    assert sum(text.path.startswith("anywhere/") for text in found) > 1500 and any(text.summary for text in found)


@pytest.mark.parametrize(
    "text",
    [
        Text("x.py", 1, "Mend the line"),
        Text("x.py", 1, "the driver is told of it"),
        Text("x.py", 1, "TLS stands, no answer"),
        Text("x.py", 1, "word " * 30, summary=True),
        Text("x.py", 1, "curl -x http://user:***@proxy:3128"),
    ],
)
def test_what_is_ruled_out_is_found(text: Text) -> None:
    assert list(flags(text))
