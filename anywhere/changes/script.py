"""The shell that runs on hosts as root: files beside the code, each started after one prologue."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SHELL = "/bin/sh"
_FOLDER = Path(__file__).with_name("scripts")


def run_script(path: Path, *words: str) -> tuple[str, ...]:
    """The argv that runs a script file with these words: nothing of the words is ever read as shell."""
    return (SHELL, "-c", _text(path), path.stem, *words)


def own_script(name: str, *words: str) -> tuple[str, ...]:
    """The argv of a script of the engine by its name."""
    return run_script(_FOLDER / f"{name}.sh", *words)


@cache
def _text(path: Path) -> str:
    return "\n".join(_code(file) for file in (_FOLDER / "prologue.sh", path))


def _code(path: Path) -> str:
    """Without its comments, which would only be sent to every host."""
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#")) + "\n"
