"""Evidence has its keys in one place: a mistyped one is an error of the type checker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DIAGNOSIS = ROOT / "anywhere" / "diagnosis"

SNIPPETS = {
    "written": ('from anywhere.evidence import Reach\nseen: Reach = {"KEY": 1}\n', "shard", "shrad"),
    "added": (
        'from anywhere.evidence import Reach\nseen: Reach = {}\nseen["KEY"] = "http://proxy:3128"\n',
        "proxy",
        "prxy",
    ),
    "read": (
        "from anywhere.diagnosis.evidence import Seen\nfrom anywhere.model import Finding\n"
        "def claim(finding: Finding) -> bool:\n    return bool(Seen(finding).KEY)\n",
        "excluded",
        "exluded",
    ),
    "look": (
        "from anywhere.diagnosis.evidence import look\nfrom anywhere.evidence import Look\n"
        "from anywhere.model import Finding\n"
        "def claim(finding: Finding) -> str:\n    return look(finding, Look.KEY)\n",
        "OTHER_NAME",
        "OTHERNAME",
    ),
    "suites": (
        'from anywhere.hosts.base import ProbeSpec\nspec = ProbeSpec("h", 443, "https", suites="KEY")\n',
        "ecs-agent",
        "ecs_agent",
    ),
}


def complaints(file: Path, text: str) -> str:
    file.write_text(text)
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
    ]
    done = subprocess.run([*mypy, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_mistyped_key_is_an_error(name: str, tmp_path: Path) -> None:
    text, right, wrong = SNIPPETS[name]
    assert "Success" in complaints(tmp_path / "right.py", text.replace("KEY", right))
    assert "error: " in complaints(tmp_path / "wrong.py", text.replace("KEY", wrong))


def test_rules_read_evidence_in_one_place_alone() -> None:
    readers = [path.name for path in DIAGNOSIS.rglob("*.py") if re.search(r"\.evidence\b(?! import)", path.read_text())]
    assert readers == ["evidence.py"]
