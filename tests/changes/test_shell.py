"""A printed script is safe to run whatever the host's files contain: each content comes out as it is, and only there."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anywhere.changes.base import Command, Step
from anywhere.changes.shell import script

_PIECES = st.sampled_from(
    [
        b"END_OF_INPUT",
        b"END_OF_INPUT_2",
        b"\n",
        b"\n\n",
        b"'",
        b'"',
        b"`touch pwned`",
        b"$(touch pwned)",
        b"$HOME",
        b"\\",
    ]
    + [
        b"EOF",
        b"\r",
        b"\t",
        b"%s",
        b"%n",
        b"%%",
        b"\x1b]0;x\x07",
        b"\xe2\x80\xae",
        b"\xff\xfe",
        b"\x01",
        b"A=1\n",
        b"#",
        b";",
    ]
    + [
        b"\\033[31m",
        b"\\c",
        b"!!",
        b"*",
        b"~",
        b"\\\n",
        b"<<END_OF_INPUT\n",
        b"| touch pwned\n",
        b"\xc3\xa4",
        b"-n",
        b"\x7f",
    ]
)
CONTENT = st.lists(_PIECES, max_size=12).map(b"".join) | st.binary(max_size=60).map(
    lambda data: data.replace(b"\0", b"")
)
NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=12)


def run(steps: list[Step], host: str = "web01") -> tuple[Path, str, int]:
    """Run the script where `pwned` would be seen, whatever folder it would be made in."""
    folder = Path(tempfile.mkdtemp())
    text = script(steps, host).replace("\ncd /\n", f"\ncd {folder}\n")
    done = subprocess.run(["sh"], input=text.encode(), capture_output=True, cwd=folder)
    return folder, text, done.returncode


@settings(max_examples=200, deadline=None)
@given(CONTENT, CONTENT)
@example(b"a\nEND_OF_INPUT\ntouch pwned\n", b"END_OF_INPUT\nEND_OF_INPUT_2\ntouch pwned\n")
@example(b"a\nEND_OF_INPUT", b"\xff\nEND_OF_INPUT\ntouch pwned\n")
def test_every_content_comes_out_as_it_is_and_nothing_of_it_runs(first: bytes, second: bytes) -> None:
    with tempfile.TemporaryDirectory() as out:
        steps = [
            Step(name, f"write {name}", Command(("sh",), data, shown=("tee", f"{out}/{name}")))
            for name, data in (("a", first), ("b", second))
        ]
        folder, _, code = run(steps)
        for name, data in (("a", first), ("b", second)):
            path = Path(out, name)
            assert path.read_bytes() == data if data else code == 0
        assert list(folder.iterdir()) == []


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40), CONTENT)
@example("x\ntouch pwned", b"x")
@example("x\rtouch pwned\x1b[2J\u202e", b"x")
def test_titles_host_names_and_words_are_words(text: str, content: bytes) -> None:
    word = text.rstrip("\n") or "x"
    step = Step("k", text, Command(("printf", "%s", word), content))
    folder, said, code = run([step], text)
    assert code == 0 and list(folder.iterdir()) == []
    assert all(char in "\n\t" or char.isprintable() for char in said)


@pytest.mark.parametrize("word", ["a b", "a'b", "$(touch pwned)", "a\nb", "\x1b[31m", "`x`", "%s", "-x"])
def test_a_word_arrives_as_it_was(word: str) -> None:
    with tempfile.TemporaryDirectory() as out:
        run([Step("k", "t", Command(("sh", "-c", 'printf %s "$1" > "$2"', "x", word, f"{out}/word")))])
        assert Path(out, "word").read_text() == word


def test_a_secret_stops_the_script_with_a_line() -> None:
    step = Step("k", "t", Command(("sh",), b"geheim", secret=True, shown=("install", "/etc/'x y'\n")))
    folder, said, code = run([step])
    assert code == 1 and "geheim" not in said and list(folder.iterdir()) == []
