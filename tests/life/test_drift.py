"""Two bundles of one host, and what happened to it in between, in the words of the field."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anywhere.report.life.drift import of_files
from tests.region.region import Region

CHECK = f"{sys.executable} -m anywhere check --region us-east-1 --format json --save"
DRIFT = (
    "mkdir -p /etc/systemd/system/docker.service.d; printf '[Service]\\nEnvironment=HTTPS_PROXY=http://proxy.example:3128\\n' "
    "> /etc/systemd/system/docker.service.d/http-proxy.conf; echo ECS_CONTAINER_STOP_TIMEOUT=2m >> /etc/ecs/ecs.config;"
    "iptables -t nat -F OUTPUT"
)


@pytest.mark.region
def test_what_changed_between_two_bundles(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json.gz", tmp_path / "new.json.gz"
    with Region((), ("registered",)) as region:
        done = region.run(["sh", "-c", f"{CHECK} {old} >/dev/null; {DRIFT}; {CHECK} {new} >/dev/null; true"])
        assert old.exists() and new.exists(), done.stderr
        found = region.run([sys.executable, "-m", "anywhere", "bundle", "diff", str(old), str(new)])
    said = [line.removeprefix("changed  ") for line in found.stdout.splitlines() if line.startswith("changed  ")]
    assert "proxy (HTTPS_PROXY) added to docker: http://proxy.example:3128" in said, found.stdout
    assert "ECS_CONTAINER_STOP_TIMEOUT in /etc/ecs/ecs.config none -> 2m" in said
    assert any(line.startswith("rule rules ") and line.endswith("deleted or without effect") for line in said), said


def test_files_are_told_by_what_they_hold() -> None:
    before: dict[str, object] = {
        'read ["/etc/ssl/certs/ca-certificates.crt", 0]': "A",
        'read ["/etc/docker/daemon.json", 0]': '{"data-root": "/a", "live-restore": true}',
        'read ["/etc/hosts", 0]': "1",
        'run [["id"]]': "x",
    }
    after: dict[str, object] = {
        **before,
        'read ["/etc/ssl/certs/ca-certificates.crt", 0]': "B",
        'read ["/etc/docker/daemon.json", 0]': '{"data-root": "/b"}',
        'read ["/etc/hosts", 0]': "2",
    }
    assert of_files(before, after) == [
        "CA store /etc/ssl/certs/ca-certificates.crt replaced",
        "data-root in /etc/docker/daemon.json /a -> /b",
        "live-restore in /etc/docker/daemon.json True -> none",
    ]
    assert of_files(before, before) == []
