"""Runs the benches by name, all of them without one; 1 when a figure misses its limit."""

from __future__ import annotations

import subprocess
import sys
from difflib import get_close_matches
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every bench: a module of this folder."""
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main(argv: list[str]) -> int:
    """Each bench in a process of its own, so that none warms the next one up."""
    known = names()
    for word in argv:
        if word not in known:
            near = get_close_matches(word, known, 1) or known
            print(f"bench: there is no bench {word!r}: try {', '.join(near)}", file=sys.stderr)
            return 2
    missed = [
        name for name in argv or known if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"]).returncode
    ]
    if missed:
        print(f"\nmissed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
