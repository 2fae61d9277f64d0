"""A proxy that other programs of this host have: logins, package managers, wget. Neither docker nor an agent reads these.

Sources: pam_env(8) (/etc/environment), apt-transport-http(1) and apt.conf(5) (Acquire::http::Proxy), dnf.conf(5) and
yum.conf(5) (`proxy`), SUSE's /etc/sysconfig/proxy, wget's manual (https_proxy). sudo gives its programs none of a login's
variables (sudoers(5), env_reset).
"""

from __future__ import annotations

import re
from pathlib import Path

from anywhere.errors import NotRecorded, ParseError
from anywhere.facts.files import shell_line
from anywhere.frozen import frozen
from anywhere.hosts.base import Host
from anywhere.hosts.probe.proxy_url import ProxyUrl

LOOK = shell_line(Path(__file__).with_name("elsewhere.sh"))
_LINE = re.compile(r"(?P<path>/[^:]+):(?P<number>\d+):(?P<text>.*)")
_VALUE = re.compile(
    r"""(?i)^\s*(?:export\s+)?(?:https?_proxy\s*=|proxy\s*=|acquire::https?::proxy\s)\s*["']?([^"'\s]+)"""
)
_HOST = re.compile(r"[A-Za-z0-9._-]+")
CACHES = (3142, 8000)  # apt-cacher-ng and squid-deb-proxy: proxies for packages, and for nothing else


@frozen
class OtherProxy:
    """The URL without user and password, whether it has them, and the file and line."""

    url: str
    has_user: bool
    place: str


def other_proxy(host: Host) -> OtherProxy | None:
    """The first proxy that is written down for other programs; None where there is none, or one that serves packages alone."""
    try:
        rows = host.run(LOOK, timeout=3).stdout.splitlines()
    except NotRecorded:  # a bundle of a version that did not look there
        return None
    for row in rows:
        line = _LINE.fullmatch(row.strip())
        value = _VALUE.match(line["text"]) if line else None
        if line is None or value is None:
            continue
        try:
            found = ProxyUrl.parse(value[1].rstrip(";"))
        except ParseError:
            continue
        # The agents' channels cannot use an https:// proxy, and a variable is no name.
        if (
            found.scheme != "http"
            or found.port in (0, *CACHES)
            or "." not in found.host
            or not _HOST.fullmatch(found.host)
        ):
            continue
        return OtherProxy(f"http://{found.host}:{found.port}", "@" in value[1], f"{line['path']}:{line['number']}")
    return None
