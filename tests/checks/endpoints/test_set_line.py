"""The command that adds a setting keeps the others, however the file ends, and run twice it adds it once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anywhere.checks.endpoints.remedies import SET_LINE

NEW = "SSL_CERT_FILE=/etc/ecs/inspecting-ca.pem"


@pytest.mark.parametrize("before", ["", "ECS_CLUSTER=prod", "ECS_CLUSTER=prod\nSSL_CERT_FILE=/old.pem\n", None])
def test_a_setting_is_there_once_and_the_others_stay(tmp_path: Path, before: str | None) -> None:
    real, link = tmp_path / "real", tmp_path / "ecs.config"
    if before is not None:
        real.write_text(before)
    link.symlink_to(real)
    for _ in range(2):
        subprocess.run([*SET_LINE, "sh", str(link), NEW], check=True)
    lines = [line for line in real.read_text().splitlines() if line]
    assert lines == [*(["ECS_CLUSTER=prod"] if before else []), NEW] and link.is_symlink()
