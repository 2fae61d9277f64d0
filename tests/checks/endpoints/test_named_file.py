"""A file of CAs that a component's SSL_CERT_FILE names already gets the CA added: its other CAs stay."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from anywhere.checks.endpoints.remedies import ADD_CA, CA_FILE
from tests.support.judged import judge


@pytest.mark.region
@pytest.mark.parametrize(
    ("fault", "path"), [("agent-store", "/etc/ecs/site.pem"), ("component-store", "/etc/pki/agents.pem")]
)
def test_the_file_that_is_named_is_added_to(fault: str, path: str) -> None:
    (cause,) = judge([fault])["causes"]
    first, *_ = cause["remedy"]["commands"]
    assert first[-4:] == [ADD_CA[-1], "sh", CA_FILE, path]


@pytest.mark.parametrize("before", ["one\n", "one"])
def test_what_is_in_the_file_stays(tmp_path: Path, before: str) -> None:
    ca, store = tmp_path / "ca.crt", tmp_path / "store.pem"
    store.write_text(before)
    assert subprocess.run([*ADD_CA, "sh", str(ca), str(store)], check=False).returncode, "there is no CA to add"
    assert store.read_text() == before
    ca.write_text("two\n")
    subprocess.run([*ADD_CA, "sh", str(ca), str(store)], check=True)
    assert [line for line in store.read_text().splitlines() if line] == ["one", "two"]
