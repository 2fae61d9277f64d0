"""Why a component goes the way that it goes: the variable that names its proxy, the entry of NO_PROXY that keeps a name
from it, the file and the line of both, and the CA files that it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anywhere.documents.numbers import whole
from anywhere.evidence import Decided, Origin
from anywhere.facts.agents.components import Component
from anywhere.facts.files import read_text
from anywhere.facts.network.no_proxy import matching_entry
from anywhere.facts.network.vantage import Vantage
from anywhere.facts.system.castore import ca_store
from anywhere.hosts.base import Host
from anywhere.hosts.probe.castore import FILES, MORE, store_paths

_JSON_KEYS = {"HTTP_PROXY": "http-proxy", "HTTPS_PROXY": "https-proxy", "NO_PROXY": "no-proxy"}
IMAGE = "the bundle inside the agent's image"


def decided(host: Host, vantage: Vantage, name: str, port: int = 443, scheme: str = "https") -> Decided:
    """The proxy's origin, the matching entry of NO_PROXY and its origin, the CA store; what does not apply is absent."""
    found: Decided = {"ca_files": list(_store(host, vantage))}
    choice = vantage.choice(name, port, scheme)
    if choice.variable:
        found["proxy_from"] = origin(host, vantage, choice.variable)
    entry = matching_entry(choice.no_proxy, name, port) if choice.variable else ""
    if entry:
        found["no_proxy_entry"] = entry
        found["no_proxy_from"] = (
            origin(host, vantage, choice.no_proxy_variable)
            if choice.no_proxy_variable
            else {"variable": "NO_PROXY", "file": "set by the ECS agent itself", "line": 0}
        )
    return found


def origin(host: Host, vantage: Vantage, variable: str) -> Origin:
    """Where a variable of a component was set. Line 0: the file is not known, or not a file."""
    place = _place(vantage.described, variable)
    path, colon, line = place.rpartition(":")
    if colon and (number := whole(line)) is not None:
        return {"variable": variable, "file": path, "line": number}
    if not place.startswith("/"):
        return {"variable": variable, "file": place or vantage.source, "line": 0}
    return {"variable": variable, "file": place, "line": _line(read_text(host, place).content, variable)}


def place_of(found: Origin) -> str:
    """`HTTPS_PROXY in /etc/ecs/ecs.config:4`."""
    line = f":{found['line']}" if found.get("line") else ""
    return f"{found.get('variable', '')} in {found.get('file', '')}{line}"


def _place(component: Component | None, variable: str) -> str:
    """The file that declares a variable, where the program works with what that file says."""
    if component is None:
        return ""
    says: Mapping[str, str] = {**component.declared, **component.intended}
    if component.running and component.effective.get(variable) != says.get(variable):
        return component.source
    return component.sources.get(variable, component.source)


def _line(text: str, variable: str) -> int:
    """The last line that sets a variable, in a unit file, an environment file or daemon.json; 0 where none does."""
    key = _JSON_KEYS.get(variable.upper(), "")
    setting = re.compile(rf'(?<![A-Za-z0-9_])(?:{re.escape(variable)}\s*=|"{key}"\s*:)')
    rows = enumerate(text.splitlines(), 1)
    return max((n for n, row in rows if not row.lstrip().startswith(("#", ";")) and setting.search(row)), default=0)


def _store(host: Host, vantage: Vantage) -> tuple[str, ...]:
    """The file that the store is read from, and the folders whose files are read too."""
    files, folders, _ = store_paths(vantage.trust)
    if files == FILES:
        bundle = ca_store(host).bundle
        files = (bundle,) if bundle else ()
    own = (IMAGE,) if vantage.own_store else ()
    return (*own, *files, *(f"{folder.removeprefix(MORE)}/*" for folder in folders))
