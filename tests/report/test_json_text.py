"""JSON text: what the standard library writes, with harmful characters as escapes."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.printable import json_text, printable_lines

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=3) | st.integers(), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(values, st.sampled_from([None, 1, 2]))
def test_it_is_what_the_library_writes_but_for_harmful_characters(value: object, indent: int | None) -> None:
    theirs = json.dumps(value, indent=indent, ensure_ascii=False)
    ours = json_text(value, indent)
    assert ours == theirs if printable_lines(theirs) == theirs else json.loads(ours) == json.loads(theirs)
    assert printable_lines(ours) == ours


def test_keys_that_are_no_text_and_what_is_empty() -> None:
    value = {1: {}, 1.5: [], None: (), False: "\x7f\u2028", "ü": float("inf")}
    assert json_text(value, 2) == json.dumps(value, indent=2, ensure_ascii=False).replace("\x7f", "\\u007f").replace(
        "\u2028", "\\u2028"
    )
