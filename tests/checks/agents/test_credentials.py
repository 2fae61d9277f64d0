"""Credentials at hand: the command shown cuts the keys and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from anywhere.checks.agents import credentials
from tests.support.judging import config, remedy_of


def test_the_command_that_cuts_keys_cuts_them_alone(tmp_path: Path) -> None:
    text = "ECS_CLUSTER=prod\nAWS_ACCESS_KEY_ID=AKIAX\n AWS_SECRET_ACCESS_KEY=y\nECS_LOGLEVEL=info\n"
    command = remedy_of(credentials.credentials_check, config(text)).commands[0]
    file = tmp_path / "ecs.config"
    file.write_text(text)
    subprocess.run([*command[:-1], str(file)], check=True)
    assert file.read_text() == "ECS_CLUSTER=prod\n#\n#\nECS_LOGLEVEL=info\n", "other lines keep their numbers"
