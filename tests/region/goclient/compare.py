"""One fault or variation: what the product says of each endpoint, and whether a Go program with the component's own
environment, CA store and request reaches it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from anywhere.catalogue.endpoints import Endpoint, endpoints
from anywhere.catalogue.requests import AGENTS, CALLS, GO, Call
from anywhere.hosts.probe.go.request import TOKEN_LENGTH
from anywhere.settings import FEATURES
from anywhere.threads import fan_out
from tests.region import Region
from tests.region.faults import table
from tests.region.software import AGENT, DOCKERD, SSM_AGENT
from tests.region.world import World
from tests.support.judged import ANYWHERE

PROGRAMS = {"ecs-agent": AGENT, "ssm-agent": SSM_AGENT, "docker": DOCKERD}
# The settings of Go that an agent's public build has, where they are not Go 1.25's own.
BUILDS = {
    "ecs-agent": "netedns0=0,tlsmlkem=0,tlsrsakex=1,tlssha1=1,x509negativeserial=1,rsa1024min=0,httplaxcontentlength=1",
    "ssm-agent": "tlsmlkem=0,tlsrsakex=1,tls3des=1,tlssha1=1,x509negativeserial=1,rsa1024min=0,httplaxcontentlength=1",
    "docker": "netedns0=0,tlsmlkem=0,tlsrsakex=1,tlssha1=1,x509negativeserial=1,rsa1024min=0,httplaxcontentlength=1",
}
AGENT_EXCLUDES = "169.254.169.254,169.254.170.2,/var/run/docker.sock"
QUICK, PATIENT = 6.0, 1.0  # by what the agents' limits are divided: at first, and where the two sides differ
ROOT = "/run/goagent"
# The agent's container on Debian: its settings, the CA store, hosts and resolv.conf, and no nsswitch.conf.
CONTAINER = f"""set -e
mkdir -p {ROOT}/etc {ROOT}/tmp
for one in ssl ecs; do [ ! -d /etc/$one ] || cp -a /etc/$one {ROOT}/etc/; done
for one in hosts resolv.conf; do [ ! -e /etc/$one ] || cp -L /etc/$one {ROOT}/etc/; done
cp "$1" {ROOT}/client
"""

# Elsewhere, and before it is there, that container's image is not at hand: only the missing file is reported.
WITHOUT_NSSWITCH = '[ ! -e /etc/nsswitch.conf ] || mount --bind /dev/null /etc/nsswitch.conf; exec "$@"'


@dataclass(frozen=True)
class Asked:
    """An endpoint as one component uses it, and the product's word: reached, or not."""

    component: str
    url: str
    reached: bool
    said: str
    endpoint: Endpoint | None


def differences(name: str, client: Path) -> tuple[int, list[str]]:
    """How many endpoints were compared under this fault, and each difference in words."""
    fault = table()[name]
    chosen = ([name], []) if not fault.is_healthy else ([], [name])
    with Region(*chosen) as region:
        target = _judge(region)
        asked = list(_asked(target, region.world))
        binary = f"/run/{client.name}"
        with open(client, "rb") as file:
            region.run(["sh", "-c", f"cat > {binary} && chmod 755 {binary}"], stdin=file)
        region.run(["sh", "-c", CONTAINER, "container", binary])
        found = _ask(region, binary, asked, QUICK)
        wrong = [one for one in asked if found[one.component, one.url]["reached"] != one.reached]
        if wrong:
            found |= _ask(region, binary, wrong, PATIENT)
        wrong = [one for one in wrong if found[one.component, one.url]["reached"] != one.reached]
    return len(asked), [
        f"{name}: {one.component} {one.url}: the product says {one.said}, Go {_words(found[one.component, one.url])}"
        for one in wrong
    ]


def _words(found: Mapping[str, Any]) -> str:
    return "reaches it" if found["reached"] else f"fails: {found['error'][-160:]}"


def _judge(region: Region) -> dict[str, Any]:
    command = [*ANYWHERE, "check", "--region", region.options.regions[0], "--format", "json", *region.arguments]
    done = region.run(command)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["targets"][0]
    unjudged = [row for row in found["findings"] if row["check"] == "endpoints.reach" and row["status"] == "error"]
    assert not unjudged, f"not judged: {unjudged[0]['summary']}"
    return found


# --- the product's side ----------------------------------------------------------------------------------------------


def _asked(target: Mapping[str, Any], world: World) -> Iterator[Asked]:
    """The judged endpoints of the three programs. What depends on the build, or on packets lost by chance, is not judged."""
    known = {
        (row.component, row.host): row for name in world.options.regions for row in endpoints(name, features=FEATURES)
    }
    closed = {
        (row["subject"], row["evidence"].get("component"))
        for row in target["findings"]
        if row["check"] == "endpoints.websocket" and row["status"] == "fail"
    }
    unsure = {i for cause in target["causes"] if cause["code"] == "tls.agent-build" for i in cause["findings"]}
    for index, row in enumerate(target["findings"]):
        seen = row["evidence"]
        if row["check"] != "endpoints.reach" or seen.get("component") not in PROGRAMS or index in unsure:
            continue
        if row["status"] not in ("pass", "warn", "fail") or seen.get("by_chance"):
            continue
        reached = (row["status"] == "pass" or bool(seen.get("partial"))) and (
            (row["subject"], seen["component"]) not in closed
        )
        # A registry called insecure, and containerd's own trust, are settings that this client does not read.
        if seen.get("service") == "own" and any(
            word in str(world.host.files) for word in ("insecure-reg", "hosts.toml")
        ):
            continue
        port = int(row["subject"].rpartition(":")[2])
        for host in seen.get("tried") or [row["subject"].rpartition(":")[0]]:
            endpoint = known.get((seen["component"], host)) or _like(known, seen, host)
            yield Asked(
                seen["component"], _url(endpoint, host, port), reached, f"{row['status']}: {row['summary']}", endpoint
            )


def _like(known: Mapping[tuple[str, str], Endpoint], seen: Mapping[str, Any], host: str) -> Endpoint | None:
    """The catalogue's endpoint of the same service, where a setting or a log names another host for it."""
    return next(
        (row for row in known.values() if row.component == seen["component"] and row.service == seen["service"]), None
    )


def _url(endpoint: Endpoint | None, host: str, port: int) -> str:
    scheme, path = (endpoint.scheme, endpoint.path) if endpoint else ("https", "/v2/")
    return f"{scheme}://{host}{'' if port == 443 else f':{port}'}{path}"


# --- Go's side -------------------------------------------------------------------------------------------------------


def _ask(region: Region, binary: str, asked: Sequence[Asked], divide: float) -> dict[tuple[str, str], dict[str, Any]]:
    """The answers, by component and URL; each program is a process of its own, and all run at once."""

    def program(component: str, kind: str) -> list[dict[str, Any]]:
        some = [one for one in asked if one.component == component and one.url.startswith(kind)]
        if not some:
            return []
        argv, environment = _program(region, binary, component, kind)
        lines = "".join(json.dumps(_request(one)) + "\n" for one in some)
        done = _run(region, [*argv, "--as", component, "--divide", f"{divide:g}"], environment, lines)
        return [{**json.loads(line), "component": component} for line in done.splitlines()]

    ways = [(component, kind) for component in PROGRAMS for kind in ("https", "wss")]
    rows = fan_out([partial(program, *way) for way in ways])
    return {(row["component"], row["url"]): row for some in rows for row in some}


def _run(region: Region, argv: Sequence[str], environment: Mapping[str, str], text: str) -> str:
    settings = [f"{name}={value}" for name, value in environment.items()]
    process = region.popen(
        ["env", "-i", *settings, *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(text, timeout=150)
    assert process.returncode == 0, err
    return str(out)


def _program(region: Region, binary: str, component: str, kind: str) -> tuple[list[str], dict[str, str]]:
    """How the component's program is started, and with which environment: its process's, or before it is there the
    caller's."""
    world = region.world
    daemon = next((one for one in world.host.daemons if one.name == PROGRAMS[component]), None)
    environment = dict(daemon.environment if daemon else world.environment)
    if daemon and component == "docker":
        text = world.host.files.get("/etc/docker/daemon.json") or "{}"
        try:
            proxies = json.loads(text).get("proxies", {})
        except ValueError:
            proxies = {}
        for key, value in proxies.items():
            environment |= {key.replace("-", "_").upper(): value, key.replace("-", "_"): value}
    if daemon and component == "ecs-agent" and kind == "wss" and not environment.get("NO_PROXY"):
        environment["NO_PROXY"] = AGENT_EXCLUDES
    environment["GODEBUG"] = BUILDS[component]
    if component != "ecs-agent":
        return [binary], environment
    if daemon and world.host.manager == "deb":
        return [shutil.which("chroot") or "/usr/sbin/chroot", ROOT, "/client"], environment
    return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", WITHOUT_NSSWITCH, "sh", binary], environment


def _request(one: Asked) -> dict[str, Any]:
    service = one.endpoint.service if one.endpoint else "own"
    call = CALLS.get((one.component, service), Call(json=False))
    token = {"X-Amz-Security-Token": "x" * TOKEN_LENGTH}
    if one.url.startswith("wss"):
        return {"url": one.url, "headers": {"X-Amz-Date": "20260101T000000Z", "User-Agent": GO, **token}}
    headers = {"User-Agent": AGENTS[one.component]}
    if call.body:
        headers |= {"Content-Type": call.content_type, **({} if call.chunked else token)}
        headers |= {"X-Amz-Target": call.target} if call.target else {}
    return {
        "url": one.url,
        "method": "POST" if call.body else "GET",
        "headers": headers,
        "body": call.body,
        "chunked": call.chunked,
        "json": call.json,
        "site": one.endpoint is None,
    }


def sample(names: Sequence[str], number: int) -> list[str]:
    """Every so-manieth of the names, the same in each run."""
    step = max(1, len(names) // number)
    return list(names)[::step][:number]
