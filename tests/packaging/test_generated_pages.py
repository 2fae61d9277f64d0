"""Manual pages and completions come from the command line itself: all of it is in them, and their readers accept them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from anywhere.cli import VERBS

GENERATE = Path(__file__).parents[2] / "packaging/generate"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run([sys.executable, str(GENERATE), str(folder), "2026-11-29"], check=True)
    return folder


def test_each_command_has_a_page(made: Path) -> None:
    assert {path.name for path in made.glob("*.1")} == {"anywhere.1", *(f"anywhere-{verb}.1" for verb in VERBS)}


def test_a_page_names_every_option_and_example(made: Path) -> None:
    page = (made / "anywhere-rules.1").read_text().replace("\\-", "-")
    assert {"--no-persist", "--host", "--inventory", "--dry-run", "--no-probe"} <= set(re.findall(r"--[a-z-]+", page))
    assert "anywhere rules apply --inventory hosts.ini --wave 5%" in page


def test_two_runs_give_the_same(made: Path, tmp_path: Path) -> None:
    again = subprocess.run(
        [sys.executable, str(GENERATE), str(tmp_path), "2026-11-29"], env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert again.returncode == 0
    assert {path.name: path.read_bytes() for path in made.iterdir()} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir()
    }


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_accepts_every_page(made: Path) -> None:
    for page in made.glob("*.1"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(page)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), page.name


def complete(made: Path, *words: str) -> set[str]:
    """What bash offers for the last word."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _anywhere; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    argv = ["bash", "-c", script, "bash", str(made / "anywhere.bash"), "anywhere", *words]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=made, env={"PATH": os.environ["PATH"]})
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_options_values_and_files(made: Path) -> None:
    assert complete(made, "") == set(VERBS)
    assert complete(made, "ru") == {"rules"}
    assert complete(made, "rules", "") >= {"plan", "apply", "verify", "revert", "guard"}
    assert complete(made, "rules", "apply", "--no-p") == {"--no-persist"}
    assert complete(made, "rules", "plan", "--format", "") == {"table", "json", "shell"}
    assert complete(made, "rules", "plan", "--host", "anywhere.f") == {"anywhere.fish"}
    assert "rules" not in complete(made, "check", "ru")
    assert complete(made, "nonsense", "x") == set()


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", "anywhere.bash"), ("zsh", "_anywhere"), ("fish", "anywhere.fish")]
)
def test_the_shell_can_read_its_file(made: Path, shell: str, name: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: `make test-package` installs it")
    done = subprocess.run([shell, "-n", str(made / name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
