"""The logic of bootstrap.ps1, where a PowerShell is at hand. On Windows itself nothing of it was run yet."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "installers" / "bootstrap.ps1"
SHELL = shutil.which("pwsh") or shutil.which("powershell") or ""
pytestmark = pytest.mark.skipif(not SHELL, reason="needs PowerShell")


def said(expression: str) -> str:
    command = f". '{SCRIPT}'; {expression}"
    argv = [SHELL, "-NoProfile", "-NonInteractive", "-Command", command]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("build", "major", "status"),
    [(20348, 5, "pass"), (14393, 5, "pass"), (19042, 5, "fail"), (26100, 5, "fail"), (20348, 7, "fail")],
)
def test_builds_that_the_official_installer_takes(build: int, major: int, status: str) -> None:
    assert said(f"(Test-Build {build} {major}).Status") == status


@pytest.mark.parametrize(("skew", "status"), [(0, "pass"), (-29, "pass"), (31, "warn"), (-239, "warn"), (241, "fail")])
def test_the_clock(skew: int, status: str) -> None:
    assert said(f"(Test-Clock {skew}).Status") == status


def test_credentials_of_the_machine() -> None:
    assert said("(Test-Credentials @{}).Status") == "pass"
    assert said("(Test-Credentials @{AWS_ACCESS_KEY_ID = ''}).Status") == "pass"
    assert said("(Test-Credentials @{AWS_PROFILE = 'x'}).Status") == "fail"


def test_names_of_the_partitions() -> None:
    assert "ecs-a-1.eu-west-1.amazonaws.com" in said("Get-EndpointNames eu-west-1").split()
    assert "ssm.cn-north-1.amazonaws.com.cn" in said("Get-EndpointNames cn-north-1").split()
