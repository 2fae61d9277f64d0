"""Working credentials of the profile stay where the same proxy is named without any; `revert` takes them away."""

from __future__ import annotations

import sys

import pytest

from tests.region import Region

pytestmark = pytest.mark.region

OURS, OTHER = "http://10.47.2.80:3128", "http://10.47.2.81:3128"
SCRIPT = f"""
run() {{ "$@"; echo "exit $?"; }}
count() {{ cat /etc/systemd/system/*.d/zz-anywhere-proxy.* | grep -c Pl4nted; }}
printf 'edge:Pl4nted\\n' | %(anywhere)s proxy apply --url {OURS} --credentials-file - >/dev/null
run %(anywhere)s proxy plan --url {OURS}
run %(anywhere)s proxy verify --url {OURS} --format json | grep -c 'still to do'
%(anywhere)s proxy apply --url {OURS} --no-proxy .corp.example.com >/dev/null
count
%(anywhere)s proxy apply --url {OTHER} >/dev/null
count
%(anywhere)s proxy revert >/dev/null
count
"""


def test_credentials_stay_until_another_proxy_or_a_revert() -> None:
    """A fix that names the proxy without them, and a verify of it, must not break what works."""
    with Region((), ("registered",)) as region:
        done = region.run(["sh", "-c", SCRIPT % {"anywhere": f"{sys.executable} -m anywhere"}])
    lines = [line for line in done.stdout.splitlines() if line]
    assert lines[0] == "local: nothing to do, everything is in place", done.stdout + done.stderr
    assert lines[1:] == ["exit 0", "0", "6", "0", "0"], done.stdout + done.stderr
    assert "Pl4nted" not in done.stdout + done.stderr
