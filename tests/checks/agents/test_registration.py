"""The registration and the agent's settings: compared, and put right by the command shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anywhere.checks.agents import registration
from anywhere.settings import Settings
from tests.support.judging import config, registered, remedy_of, troubles


def test_the_wanted_cluster_is_compared() -> None:
    assert troubles(registered(), Settings(regions=("us-east-1",), cluster="other")) == {
        ("agents.registration", "fail", "registration.other")
    }
    assert troubles(registered(), Settings(cluster="prod")) == set()


@pytest.mark.parametrize("line", ['ECS_CLUSTER="prod"', "ECS_CLUSTER='prod'  ", 'ECS_CLUSTER="prod"\r'])
def test_the_command_that_takes_quotes_off_does_so(line: str, tmp_path: Path) -> None:
    text = f"A=1\n{line}\n"
    command = remedy_of(registration.config_check, config(text)).commands[0]
    file = tmp_path / "ecs.config"
    file.write_text(text)
    subprocess.run([*command[:-1], str(file)], check=True)
    assert troubles(config(file.read_text())) == set()
    assert "ECS_CLUSTER=prod" in file.read_text()
