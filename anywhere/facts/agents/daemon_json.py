"""Docker's own settings file, `/etc/docker/daemon.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from anywhere.errors import ParseError
from anywhere.facts.files import Access, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

PATH = "/etc/docker/daemon.json"
DATA_ROOT = "/var/lib/docker"

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (PATH,)
FOLDERS: tuple[str, ...] = ()

_PROXIES = {"http-proxy": "HTTP_PROXY", "https-proxy": "HTTPS_PROXY", "no-proxy": "NO_PROXY"}


@frozen
class DaemonJson:
    """The settings that matter here. `exists` is None where the file may not be read, `error` why it cannot be used."""

    exists: bool | None = False
    error: str = ""
    data_root: str = ""
    bridge: str = ""
    selinux: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict)
    dns: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    raw: Mapping[str, object] = field(default_factory=dict)
    mtu: int = 0
    default_gateway: str = ""
    mirrors: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()


def daemon_json(host: Host) -> DaemonJson:
    """The host's daemon.json; a file that is no JSON has its `error`, since Docker then does not start."""
    text = read_text(host, PATH)
    if text.access is not Access.READ:
        return DaemonJson(exists=text.exists)
    try:
        return parse_daemon_json(text.content)
    except ParseError as error:
        return DaemonJson(exists=True, error=str(error))


def parse_daemon_json(text: str) -> DaemonJson:
    """Raises ParseError for what dockerd refuses: text that is no JSON object. An empty file is as good as none.

    A byte order mark counts for nothing, and the proxies of a `proxies` object count and win over the environment, both from
    engine 23 on (moby #44770).
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return DaemonJson(exists=True)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParseError(f"{PATH}:{error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{PATH}: cannot be read as JSON") from error
    if not isinstance(found, dict):
        raise ParseError(f"{PATH}: is no JSON object")
    return DaemonJson(
        exists=True,
        data_root=_text(found, "data-root") or _text(found, "graph"),
        bridge=_text(found, "bridge"),
        selinux=found.get("selinux-enabled") is True,
        proxies=proxies_of(found.get("proxies")),
        dns=_texts(found.get("dns")),
        hosts=_texts(found.get("hosts")),
        raw=found,
        mtu=size if isinstance(size := found.get("mtu"), int) and not isinstance(size, bool) else 0,
        default_gateway=_text(found, "default-gateway"),
        mirrors=_texts(found.get("registry-mirrors")),
        insecure=_texts(found.get("insecure-registries")),
    )


def proxies_of(found: object) -> dict[str, str]:
    """Environment variables by dockerd's names for them (`https-proxy`), as a file or its flags give them."""
    if not isinstance(found, dict):
        return {}
    return {name: value for key, name in _PROXIES.items() if (value := _text(found, key))}


def _text(found: Mapping[str, object], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _flag(found: Mapping[str, object], key: str) -> bool | None:
    value = found.get(key)
    return value if isinstance(value, bool) else None


def _texts(found: object) -> tuple[str, ...]:
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()
