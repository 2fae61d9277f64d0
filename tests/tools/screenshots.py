"""The images of the README, taken in the embedded region: `python -m tests.tools.screenshots` (root, chromium).

The program is started by its bare name, as it is when it is installed, and the kernel's release is replaced: images show
nothing of the machine that they were taken on.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.region.options import Options
from tests.region.region import Region

FOLDER = Path(__file__).parents[2] / "docs" / "images"
TERMINAL, PAGE, FLEET = FOLDER / "terminal.png", FOLDER / "page.png", FOLDER / "fleet.png"
KERNEL = "6.1.0-28-amd64"
COLUMNS = 110
SHOWN = "endpoint-dropped"
# Hosts of the fleet's page: their faults, in the order of their names.
HOSTS = ("", "", "proxy-407", "", "inspected", "proxy-407", "", "proxy-407", "", "", "", "")
CHECK = "anywhere check --region us-east-1"


def checked(fault: str, folder: Path, *commands: str) -> str:
    """The output of shell commands on a host with this fault, where the program is installed; files go to the folder."""
    program = Path(sys.executable).with_name("anywhere")
    install = f"ln -sf {program} /usr/local/bin/anywhere; export PATH=/usr/local/bin:$PATH COLUMNS={COLUMNS} TERM=xterm"
    with Region((fault,) if fault else (), (), Options(binds=(str(folder),))) as world:
        done = world.run(["sh", "-c", "\n".join((install, f"cd {folder}", *commands))])
    return done.stdout.replace(platform.release(), KERNEL)


def terminal(text: str) -> str:
    """A page that shows what a terminal shows, with its colors."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {CHECK}\n{text}".replace("\r", "").rstrip()), soft_wrap=False)
    drawn = console.export_svg(title="anywhere")
    return f"<body style='margin:0'>{re.sub(r'@font-face {.*?}', '', drawn, flags=re.DOTALL)}</body>"


def photograph(page: str, target: Path, width: int, height: int) -> None:
    """Write what a browser shows of a page."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise SystemExit("chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page.replace(platform.release(), KERNEL))
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--screenshot={target}",
        ]
        command += [
            f"--window-size={width},{height}",
            "--virtual-time-budget=4000",
            f"--user-data-dir={folder}/profile",
        ]
        subprocess.run([*command, path.as_uri()], check=True, capture_output=True, timeout=120)


def main(words: Sequence[str]) -> int:
    """Take the images that are named, or all."""
    wanted = [one for one in (TERMINAL, PAGE, FLEET) if not words or one.stem in words]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"shots{os.getpid()}-") as name:
        folder = Path(name)
        if TERMINAL in wanted:
            drawn = terminal(checked(SHOWN, folder, f"script -qec '{CHECK} 2>/dev/null' /dev/null"))
            _, _, width, height = (float(one) for one in re.findall(r'viewBox="([^"]+)"', drawn)[0].split())
            photograph(drawn.replace("<svg ", f'<svg width="{width:.0f}" '), TERMINAL, round(width), round(height))
        if PAGE in wanted:
            checked(SHOWN, folder, f"{CHECK} --output page.html")
            photograph((folder / "page.html").read_text(), PAGE, 1100, 1010)
        if FLEET in wanted:
            for number, fault in enumerate(HOSTS, 1):
                checked(fault, folder, f"{CHECK} --save web{number:02}.json.gz >/dev/null")
            checked("", folder, "anywhere check --host web*.json.gz --output fleet.html")
            photograph((folder / "fleet.html").read_text(), FLEET, 1100, 1700)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
