"""gzip as Go reads it: several members, what is missing, and what came before the error."""

from __future__ import annotations

import gzip

import pytest

from anywhere.hosts.probe.go.gzip import Gzip

WHOLE = gzip.compress(b"content", mtime=0)


def test_member_after_member() -> None:
    reader = Gzip()
    text = gzip.compress(b"one") + gzip.compress(b" two")
    assert b"".join(reader.feed(text[at : at + 5]) for at in range(0, len(text), 5)) == b"one two"
    reader.end()


@pytest.mark.parametrize("text", [WHOLE[:-3], WHOLE + WHOLE[:4]])
def test_what_is_cut(text: bytes) -> None:
    reader = Gzip()
    assert reader.feed(text) == b"content"
    with pytest.raises(ValueError, match="cut"):
        reader.end()


@pytest.mark.parametrize("text", [WHOLE[:-6] + b"\0" * 6, WHOLE + b"no gzip at all"])
def test_what_is_wrong_comes_after_what_was_right(text: bytes) -> None:
    reader = Gzip()
    assert reader.feed(text) == b"content"
    with pytest.raises(ValueError, match="not the gzip"):
        reader.end()


def test_no_body_at_all() -> None:
    Gzip().end()
