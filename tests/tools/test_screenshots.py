"""The images of the README: each is there, small and shown; drawing one asks no other machine for anything."""

from __future__ import annotations

import re
import struct

import pytest

from tests.tools.pages import ROOT
from tests.tools.screenshots import COLUMNS, FLEET, PAGE, TERMINAL, terminal

LARGEST = 300_000  # bytes


@pytest.mark.parametrize("image", [TERMINAL, PAGE, FLEET], ids=lambda image: image.stem)
def test_the_readme_shows_each_image(image) -> None:
    data = image.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG") and len(data) < LARGEST and min(width, height) > 300
    assert f"(docs/images/{image.name})" in (ROOT / "README.md").read_text()


def test_a_terminal_is_drawn_with_its_colors_and_from_this_machine_alone() -> None:
    drawn = terminal("\x1b[31mFAIL\x1b[0m  egress.blocked\r\n" + "x" * COLUMNS)
    assert "FAIL" in drawn and "egress.blocked" in drawn and "\x1b" not in drawn
    assert "@font-face" not in drawn and not re.search(r"url\(\W*https?:", drawn)
