"""Shell that runs on hosts as root lives in files: none in Python's strings, each of them clean under one prologue."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from anywhere.changes.script import run_script

ROOT = Path(__file__).parent.parent.parent / "anywhere" / "changes"
FILES = sorted(path for path in ROOT.rglob("*.sh"))


def test_no_shell_stands_in_a_string_of_python() -> None:
    """`shown` is what a person would type, and only printed."""
    found = []
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        shown = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg == "shown"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Tuple) or id(node) in shown or path.name == "script.py":
                continue
            words = [one.value if isinstance(one, ast.Constant) else one for one in node.elts]
            # A text that was read from a file is a name; anything else after -c is a program in a string.
            is_shell = bool(words) and words[0] in ("sh", "/bin/sh", "bash")
            if is_shell and "-c" in words[:3] and not isinstance(words[words.index("-c") + 1], ast.Name):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_a_name_after_the_shells_option_is_a_file_that_was_read() -> None:
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
                text = ast.unparse(node.value)
                assert "\\n" not in text or not any(word in text for word in ("$1", "mkdir", "systemctl ", "rm -")), (
                    path
                )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_script_is_clean_with_its_prologue(path: Path) -> None:
    text = run_script(path)[2]
    for shell in ("dash", "bash"):
        done = subprocess.run(["shellcheck", "-s", "sh", "-S", "error", "-"], input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stdout.decode()
        assert subprocess.run([shell, "-n"], input=text.encode()).returncode == 0
