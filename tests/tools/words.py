"""Every string that a user sees, with its word count, and the words that design rules out: `python -m tests.tools.words`.

Lists with --list; otherwise prints what is flagged and fails: words of the table below, summaries that are too long, and
masked values in commands.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LONGEST = 100  # characters of a summary without what is filled in: one line
MASK = "***"
# What is not written, and what is written in its place.
REPLACED = (
    (r"\bmend(s|ed|ing)?\b", "fix"),
    (r"\b(is|are|was|were|be) told\b|\bdid not tell\b|\btells? (of|its)\b", "reported, reports"),
    (r"\bwanted\b", "expected, desired, required"),
    (r"\bbrings? (this|it|a|its)\b", "installs"),
    (r"\bopened on the way\b", "intercepted by"),
    (r"\bto be had\b", "not available"),
    (r"\ba fault of this program\b", "internal error"),
    (r"\bjudge[ds]?\b|\bjudging\b", "check"),
    (r"\b(the|a|as a|is|not) whole\b|\ball of it\b", "complete, full"),
    (r"\btaken? (for|as)\b|\btakes (\w+ ){1,3}for\b", "treated as"),
    (r"\bno doubt\b|\bdoubtful\b", "valid"),
    (r"\bstands?\b(?! for)", "succeeded; appears"),
    (r"\bno way (there|out)\b|\bthe way out\b", "no route"),
    (r"\bis meant\b|\bonly root sees\b|\bmade up\b|\bmakes .* up\b", "name the thing"),
    (r"\btime ran out\b|\bran out\b", "time budget used up, expired"),
    (r"\blies ahead\b|\bput right\b|\bgets? out\b|\bat fault\b|\bsleeps\b", "current technical English"),
    (r"\bno answer to the SYN\b|\bvanish\b", "timed out, lost"),
    (r"\bto look at\b", "warning"),
)
PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), better) for pattern, better in REPLACED)
PLAIN = re.compile(r"[A-Za-z]{2,}[ ,:]+[A-Za-z(`]")
CODE = ("_SCRIPT", "SCRIPT", "_READ", "_FETCH", "_RESTART")
# Functions whose first long string argument is a summary: the place where it is said what was observed.
SUMMARIES = {"trouble": 3, "passed": 2, "skipped": 2, "needs_root": 2, "unknown": 2, "Rule": 2}


@dataclass(frozen=True, slots=True)
class Text:
    """A string with its place; `summary` where it must fit one line."""

    path: str
    line: int
    text: str
    summary: bool = False


def texts() -> Iterator[Text]:
    """All strings of the package that are words, and the pages."""
    for path in sorted((ROOT / "anywhere").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        yield from _of_module(name, ast.parse(path.read_text()))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        name = str(path.relative_to(ROOT))
        if "decisions" not in path.parts:
            yield from (Text(name, place, line) for place, line in enumerate(path.read_text().splitlines(), 1) if line)


def _of_module(name: str, tree: ast.Module) -> Iterator[Text]:
    is_cli = name.startswith("anywhere/cli/")
    hidden = set() if is_cli else _docstrings(tree)
    summaries = _summaries(tree)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in inside | hidden:
            continue
        text = _text(node)
        if PLAIN.search(text) and not _is_code(text):
            yield Text(name, node.lineno, text, id(node) in summaries)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values if isinstance(part, ast.expr))
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "{}"


def _is_code(text: str) -> bool:
    """Shell text, patterns and formats are for programs."""
    return bool(re.search(r"\$\(|\$\{|\|\| |&& |; do\b|\\[bsd.]|\(\?|\n *(if|for|while) ", text))


def _docstrings(tree: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def _summaries(tree: ast.Module) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        name = getattr(getattr(node, "func", None), "id", "")
        place = SUMMARIES.get(name)
        if isinstance(node, ast.Call) and place is not None and place < len(node.args):
            found.add(id(node.args[place]))
    return found


def flags(text: Text) -> Iterator[str]:
    """What is wrong with a text."""
    for pattern, better in PATTERNS:
        if found := pattern.search(text.text):
            yield f"{found[0]!r}: write {better}"
    if text.summary and len(text.text) > LONGEST:
        yield f"{len(text.text)} characters in a summary: at most {LONGEST}"
    if MASK in text.text and re.search(r"https?://[^ ]*\*\*\*", text.text):
        yield "a masked value in a command"


def main(words: list[str]) -> int:
    """List, or check."""
    found = 0
    for text in texts():
        if "--list" in words:
            print(f"{text.path}:{text.line}: {len(text.text.split()):3} {' '.join(text.text.split())}")
            continue
        for flag in flags(text):
            found += 1
            print(f"{text.path}:{text.line}: {flag}: {' '.join(text.text.split())[:120]}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
