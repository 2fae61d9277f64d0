"""JSON as Go reads it, where Python's reader is more lenient or gives up."""

from __future__ import annotations

import pytest

from anywhere.hosts.probe.go.json_value import DEEPEST, FirstValue, NotJson, whole


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b'{"__type":"x","a":{"code":1}}', {b"__type": b'"x"', b"a": b"{"}),
        (b' {"a" : [1, {"b":null}] ,"b":null} \n', {b"a": b"[", b"b": b"null"}),
        (b'{"a":"\xe4"}', {b"a": b'"\xe4"'}),
        (b"[]", {}),
        (b"{}", {}),
        (b"-1.5e3", {}),
        (b'{"a":' + b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1) + b"}", {b"a": b"["}),
    ],
)
def test_what_go_takes(text: bytes, fields: dict[bytes, bytes]) -> None:
    assert whole(text) == fields


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"NaN", b"1e999", b'{"a":1,}', b"[1,]", b'{"a" 1}', b"{} {}", b'\xef\xbb\xbf{"a":1}', b'{"a":01}', b"{]",
     b'"a\nb"', b'"\\q"', b"{'a':1}", '{"a":1}'.encode("utf-16"), b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), b"1" * 400],
)  # fmt: skip
def test_what_go_refuses(text: bytes) -> None:
    with pytest.raises(NotJson):
        whole(text)


def test_a_value_is_there_as_soon_as_it_has_come() -> None:
    text, reader = b'{"a":12,"b":"}"}<html>', FirstValue()
    assert [reader.feed(text[:end]) for end in range(len(text) - 6)] == [False] * (len(text) - 6)
    assert reader.feed(text[:-6])
    assert reader.fields == {b"a": b"12", b"b": b'"}"'}
