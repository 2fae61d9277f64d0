"""The names that must not go to the proxy since this host reaches them privately (PrivateLink): found out, not guessed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from anywhere.catalogue.endpoints import Endpoint, endpoints, find_region
from anywhere.changes.proxy.profile import Profile
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.registration import registration
from anywhere.facts.network.no_proxy import is_excluded
from anywhere.facts.network.vantage import vantages
from anywhere.facts.ways.private_names import look_directly
from anywhere.hosts.base import Host
from anywhere.settings import FEATURES
from anywhere.threads import fan_out

ANY = "000000000000"  # in place of an account or a bucket: a private zone answers for every name in it


def complete(host: Host, profile: Profile) -> Profile:
    """The profile with the names that resolve to private addresses here and answer there without a proxy, and no others.

    The region is the profile's, else that of the registration; before that none is known and nothing is asked.
    """
    region = profile.region or registration(host).region or ecs_config(host).agent.get("AWS_DEFAULT_REGION", "")
    if not profile.address or not region:
        return profile
    new = [entry for entry in private_entries(host, region) if not _has(profile, entry)]
    return replace(profile, no_proxy=(*profile.no_proxy, *new))


def private_entries(host: Host, region: str) -> tuple[str, ...]:
    """Entries of NO_PROXY for what this host reaches privately: names, and `.domain` where any name in it is one."""
    seen = vantages(host)
    rows = [row for row in endpoints(region, features=FEATURES) if _is_regional(row, region)]
    tried = [replace(row, host=row.host.replace("*", ANY)) for row in rows]
    looks = fan_out([partial(look_directly, host, row, seen[row.component]) for row in tried])
    found = [_entry(row) for row, look in zip(rows, looks, strict=True) if look.is_open]
    return tuple(dict.fromkeys(found))


def _is_regional(row: Endpoint, region: str) -> bool:
    return row.host.endswith(f".{region}.{find_region(region).suffix}")


def _entry(row: Endpoint) -> str:
    return row.host.partition("*")[2] if row.host.startswith("*.") else row.host


def _has(profile: Profile, entry: str) -> bool:
    name = f"{ANY}{entry}" if entry.startswith(".") else entry
    return is_excluded(",".join(profile.no_proxy), name, 443)
