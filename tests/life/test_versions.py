"""What `update` installs is what was named, and nothing older by accident; it asks at a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from anywhere.changes.install.packages import LocalPackage
from anywhere.changes.update.plan import ECS_PACKAGE, SSM_PACKAGE, Newer
from anywhere.cli.life.update import unattended
from anywhere.errors import BadInput
from anywhere.flows.life.update import require_versions
from anywhere.flows.lifecycle.artifacts import Origin
from anywhere.flows.lifecycle.order import NotRegistered


def found(version: str, before: str, name: str = ECS_PACKAGE) -> tuple[Newer, ...]:
    return (Newer(LocalPackage(name, f"/a/{name}.deb"), version, before, ""),)


@pytest.mark.parametrize(
    ("version", "before", "named"),
    [
        ("1.106.0-1", "1.105.1-1", "latest"),
        ("1.106.0-1", "1.106.0-1", "latest"),
        ("1.106.0-1", "", "latest"),
        ("1.105.10-1", "1.105.9-1", "latest"),
        ("1.105.1-1", "1.106.0-1", "1.105.1-1"),
        ("1.105.1-1", "1.106.0-1", "1.105.1"),
    ],
)
def test_newer_or_named_is_taken(version: str, before: str, named: str) -> None:
    require_versions(found(version, before), Origin("/a", ecs_version=named))


def test_another_version_than_the_named_one_is_a_usage_error() -> None:
    with pytest.raises(
        BadInput, match=r"--version asks for amazon-ecs-init 1\.107\.0-1, and /a has 1\.106\.0-1"
    ) as error:
        require_versions(found("1.106.0-1", "1.105.1-1"), Origin("/a", ecs_version="1.107.0-1"))
    assert error.value.exit_code == 2
    with pytest.raises(BadInput, match="--ssm-version"):
        require_versions(found("3.3.1.0", "3.3.0.0", SSM_PACKAGE), Origin("/a", ssm_version="3.3.2.0"))


def test_an_older_one_is_refused_and_the_way_named() -> None:
    with pytest.raises(NotRegistered, match=r"1\.105\.9-1 is older than 1\.105\.10-1, which is installed") as error:
        require_versions(found("1.105.9-1", "1.105.10-1"), Origin("/a"))
    assert error.value.fix == "give newer packages, or --version 1.105.9-1 to go back to it"


def test_update_asks_at_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda terminal=terminal: terminal))
        assert unattended() is not terminal
