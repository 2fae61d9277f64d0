"""What goes to standard error: without secrets, harmless to a terminal, and from one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from anywhere.cli.say import log_to, note, say

ROOT = Path(__file__).parent.parent.parent / "anywhere"
# The one place for lines, the one for results, the lines of progress (numbers and printable names), and the version.
MAY_WRITE = {
    "cli/say.py",
    "cli/output.py",
    "cli/progress.py",
    "cli/register/progress.py",
    "cli/__init__.py",
    "__main__.py",  # when the others cannot be read
}


def writes(tree: ast.AST) -> list[int]:
    """The lines in which something is printed or written to a standard stream."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "print" or name.startswith(("sys.stderr.w", "sys.stdout.w", "typer.echo", "typer.secho")):
                found.append(node.lineno)
    return found


def test_nothing_else_writes_to_a_standard_stream() -> None:
    found = {str(path.relative_to(ROOT)): writes(ast.parse(path.read_text())) for path in ROOT.rglob("*.py")}
    assert {path for path, lines in found.items() if lines} - MAY_WRITE == set()


def test_lines_are_harmless_and_hold_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    say("host\x1b[2J said\nAWS_SECRET_ACCESS_KEY=abc \x9b2J \u202e")
    note("two\nlines\x1b]0;x\x07\n")
    assert capsys.readouterr().err == (
        "anywhere: host\ufffd[2J said AWS_SECRET_ACCESS_KEY=*** \ufffd2J \ufffd\ntwo\nlines\ufffd]0;x\ufffd\n"
    )


def test_a_log_that_cannot_be_written_any_more_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    log_to("/dev/full")
    say("one")
    say("two")
    problem = "--log-file is incomplete: cannot write /dev/full: No space left on device"
    assert capsys.readouterr().err == f"anywhere: one\nanywhere: {problem}\nanywhere: two\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--host", "a\x1b[2Jb"),
        ("check", "--region", "us-\x1b[2J\u202eeast-1"),
        ("check", "--only", "\x9b2J"),
        ("explain", "\x1b]0;x\x07"),
        ("bundle", "show", "/nonexistent/\x1b[2J"),
        ("report", "merge", "/nonexistent/\x1b[2J"),
        ("taskdef", "check", "/nonexistent/\x1b[2J"),
        ("rules", "plan", "-i", "/nonexistent/\x1b[2J"),
        ("\x1b[2J",),
    ],
)
def test_an_error_line_repeats_no_sequence_of_an_argument(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-I", "-m", "anywhere", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not [character for character in done.stderr[:-1] if not character.isprintable() and character != "\ufffd"]


def test_a_traceback_for_the_curious_holds_no_secret() -> None:
    code = (
        "import os, sys; os.environ['ANYWHERE_DEBUG'] = '1'\n"
        "import anywhere.cli as cli\n"
        "def broken(*a, **k): raise RuntimeError('https://user:Pl4nted@proxy:3128 \\x1b[2J')\n"
        "cli.typer.main.get_command = broken\n"
        "sys.exit(cli.run(['check']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent)
    assert done.returncode == 3
    assert "Traceback" in done.stderr and "RuntimeError" in done.stderr
    assert "Pl4nted" not in done.stderr and "\x1b" not in done.stderr
