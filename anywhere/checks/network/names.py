"""What the names of the endpoints resolve to: pinned, private, and as containers see them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from anywhere.catalogue.endpoints import find_region
from anywhere.checks.base import check, passed, skipped, trouble, unknown
from anywhere.checks.endpoints.visit import surveys, unreal
from anywhere.checks.network.proxy import apply_command
from anywhere.checks.remedies import remedy
from anywhere.evidence import Look, PrivateAnswers
from anywhere.facts.agents.daemon_json import PATH as DAEMON_JSON
from anywhere.facts.agents.daemon_json import daemon_json
from anywhere.facts.files import read_text
from anywhere.facts.network.lookup import lookup
from anywhere.facts.network.own_resolver import own_resolvers
from anywhere.facts.network.resolv_conf import (
    HOSTS,
    Pin,
    container_nameservers,
    is_loopback,
    pins,
    resolv_conf,
    upstream,
)
from anywhere.facts.network.routes import is_bogus, is_private
from anywhere.facts.network.survey import Survey
from anywhere.facts.network.visit import Visit
from anywhere.facts.system.docker_flags import docker_dns
from anywhere.hosts.base import Host, Query
from anywhere.model import EDIT, Finding, Reason, Remedy, Stage, Status
from anywhere.settings import Settings

CORE = ("ecs", "ecs-a", "ecs-t", "ssm", "ssmmessages", "ec2messages")


@check("network.hosts-file")
def hosts_file(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = hosts_file.id
    read_text(host, HOSTS)  # before the names may take all the time that there is
    made = tuple(surveys(host, settings))
    lines = pins(host, {visit.endpoint.host for seen in made for visit in seen.visits})
    if lines is None:
        yield unknown(id, "/etc/hosts", "cannot be read: whether it overrides an endpoint is not known")
        return
    pinned = {pin.name: pin for pin in lines}
    found = False
    for seen in made:
        free_works = any(visit.ok for visit in seen.visits if visit.endpoint.host not in pinned)
        for visit in seen.visits:
            pin = pinned.get(visit.endpoint.host)
            if pin is None:
                continue
            found = True
            status = Status.FAIL if not visit.ok and free_works and not visit.proxy else Status.WARN
            yield trouble(
                id,
                status,
                pin.name,
                f"line {pin.line} pins it to {pin.address}",
                remedy=_unpin(host, pin),
                evidence={"line": pin.line, "address": pin.address},
            )
    if not found:
        yield passed(id, "/etc/hosts", "overrides no endpoint")


def _unpin(host: Host, pin: Pin) -> Remedy:
    name = pin.name.replace(".", r"\.")
    return remedy(
        host,
        "Remove the endpoints' names from /etc/hosts: AWS changes the addresses of its endpoints.",
        (*EDIT, "-E", rf":a;{pin.line}s/[[:space:]]{name}\.?([[:space:]#]|$)/ \1/I;ta", "/etc/hosts"),
        look=(("grep", "-n", pin.name, "/etc/hosts"),),
    )


@check("network.private-answers")
def private_answers(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = private_answers.id
    for seen in surveys(host, settings):
        behind = [visit for visit in seen.visits if visit.proxy and visit.private]
        if behind:
            yield _behind_proxy(seen.region, behind)
        private, public = by_kind(seen)
        if not private and not public:
            if behind:
                continue
            yield skipped(id, seen.region, "no name resolves here", because="endpoints.reach")
        elif private and public:
            yield _mixed(seen.region, private, public)
        else:
            yield passed(id, seen.region, "all names are private" if private else "all names are public")


ANOTHER = (Reason.CERT_UNTRUSTED, Reason.CERT_NAME, Reason.NOT_TLS, Reason.CAPTIVE_PORTAL, Reason.HTTP_ERROR)


def by_kind(seen: Survey) -> tuple[list[Visit], list[Visit]]:
    """The core endpoints with a private address, and those without; answers that are made up count for neither. A
    private address where nobody answers as AWS does, for any name, is a sinkhole's or a block page's, not PrivateLink's.
    """
    invented = unreal(seen)
    own = [visit for visit in seen.visits if visit.endpoint.service in CORE and not visit.proxy and visit.lookup]
    # A search domain's wildcard gives every number that does not exist an address.
    core = [visit for visit in own if not visit.endpoint.shard or (visit.lookup and visit.lookup.known)]
    kinds: dict[bool, list[Visit]] = {True: [], False: []}
    for visit in core:
        addresses = visit.lookup.addresses if visit.lookup else ()
        if addresses and not set(addresses) <= invented and not all(map(is_bogus, addresses)):
            kinds[any(map(is_private, addresses))].append(visit)
    private, public = kinds[True], kinds[False]
    if public and not any(visit.ok for visit in private):
        return [], public
    return [visit for visit in private if not (public and _is_another(visit))], public


def _is_another(visit: Visit) -> bool:
    """Whether something answers at its addresses that is not AWS."""
    best = visit.best
    return not visit.ok and best is not None and best.reason in ANOTHER


def _mixed(region: str, private: list[Visit], public: list[Visit]) -> Finding:
    names = [[visit.endpoint.host for visit in visits] for visits in (private, public)]
    cut_off = not any(visit.ok for visit in public) and any(visit.ok for visit in private)
    summary = f"{len(private)} names are private, {len(public)} public: {', '.join(names[1][:3])}"
    evidence: PrivateAnswers = {"private": names[0], "public": names[1]}
    status = Status.FAIL if cut_off else Status.WARN
    return trouble(private_answers.id, status, region, summary, stage=Stage.RESOLVE, evidence=evidence)


def _behind_proxy(region: str, behind: list[Visit]) -> Finding:
    """Names that a proxy gets although this host itself has a private address for them."""
    past = [visit for visit in behind if answers_directly(visit)]
    names = list(dict.fromkeys(visit.endpoint.host for visit in past or behind))
    evidence: PrivateAnswers = {"private": names, "through_proxy": names}
    some = (
        f"{len(names)} name{'s' if len(names) > 1 else ''} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
    )
    if not past:
        said = f"{some} resolve to private addresses that do not answer directly: the proxy is the only way"
        return passed(private_answers.id, region, said, **evidence)
    by = " and ".join(dict.fromkeys(visit.vantage.component for visit in past))
    summary = f"{some} resolve to private addresses that answer directly; NO_PROXY of {by} lacks them"
    return trouble(
        private_answers.id,
        Status.WARN,
        region,
        summary,
        cause="proxy.private-endpoint",
        remedy=exclude(region, past),
        stage=Stage.RESOLVE,
        evidence=evidence,
    )


def answers_directly(visit: Visit) -> bool:
    """Whether a name that goes through the proxy answers at its private address without it."""
    look = visit.look(Look.DIRECT)
    return bool(visit.private) and look is not None and look.ok


def exclude(region: str, past: Sequence[Visit]) -> Remedy:
    """Put these names into NO_PROXY of every component."""
    names = ",".join(dict.fromkeys(visit.endpoint.host for visit in past))
    text = (
        f"Add {names} to NO_PROXY of docker, the ECS agent and the SSM agent: the command looks up which names resolve "
        "privately, and adds those alone"
    )
    if any(visit.vantage.component == "installer" or not visit.vantage.exists for visit in past):
        text += ". Also export NO_PROXY with these names in the shell that installs and registers"
    return Remedy(f"{text}.", apply_command(past[0].proxy, "--region", region, "--restart"))


@check("network.container-dns")
def container_dns(host: Host, settings: Settings) -> Iterator[Finding]:
    """See catalogue/checks.py."""
    id = container_dns.id
    outside = container_nameservers(host, docker_dns(host))
    own = resolv_conf(host).nameservers
    if to_itself := [one for one in docker_dns(host) if is_loopback(one)]:
        yield _asks_itself(host, to_itself, own)
        return
    if not own or set(outside) <= {*own, *upstream(host).nameservers}:
        yield passed(id, ", ".join(outside), "a container asks the same nameservers as the host")
        return
    for region in settings.regions:
        name = f"ssm.{region}.{find_region(region).suffix}"
        if not lookup(host, name, own).addresses:
            yield skipped(id, name, "does not resolve on the host", because="endpoints.reach")
            continue
        answers = [host.resolve(Query(name, server)) for server in outside]
        if any(answer.addresses for answer in answers):
            yield passed(id, ", ".join(outside), "a container's nameservers resolve the endpoints")
            continue
        summary = f"Containers on the bridge ask {', '.join(outside)}, which does not resolve {name}"
        yield trouble(
            id,
            Status.WARN,
            ", ".join(outside),
            summary,
            cause="dns.container-differs",
            remedy=_reachable_dns(host, own),
            stage=Stage.RESOLVE,
            reason=answers[0].reason,
            evidence={"servers": list(own)},
        )


def _reachable_dns(host: Host, own: tuple[str, ...]) -> Remedy:
    """Docker's own setting, with nameservers that containers reach; words where none is known."""
    if outside := _outside(host, own):
        return _set_dns(host, outside)
    text = (
        f'The host asks {", ".join(own)}, which containers do not reach: name the site\'s nameservers as "dns" in '
        f"{DAEMON_JSON}, or have the resolver listen on docker's bridge too and name that address. Then restart docker."
    )
    return remedy(host, text)


def _outside(host: Host, own: tuple[str, ...]) -> tuple[str, ...]:
    """The host's nameservers beyond itself, and those that its own resolver asks."""
    behind = (server for one in own_resolvers(host) for server in one.upstreams)
    return tuple(one for one in dict.fromkeys((*own, *behind)) if not is_loopback(one))


def _asks_itself(host: Host, servers: list[str], own: tuple[str, ...]) -> Finding:
    """docker takes loopback addresses out of what it copies of the host, and leaves them in its own setting."""
    outside = _outside(host, own)
    named = ", ".join(servers)
    summary = f"docker is set to give containers the nameserver {named}, which is each container itself: nothing answers there"
    text = "Name nameservers that containers reach, or take the setting out: docker then gives them the host's."
    fix = _set_dns(host, outside) if outside and daemon_json(host).dns else remedy(host, text)
    evidence: dict[str, object] = {"servers": servers}
    return trouble(
        container_dns.id, Status.WARN, named, summary, cause="dns.container-differs", remedy=fix, stage=Stage.RESOLVE,
        reason=Reason.NAMESERVER_TIMEOUT, evidence=evidence,
    )  # fmt: skip


def _set_dns(host: Host, servers: tuple[str, ...]) -> Remedy:
    """Docker's own setting; a file that is there is edited by a person, since its other keys must stay."""
    value = json.dumps({"dns": list(servers)})
    write = ("sh", "-c", f"mkdir -p /etc/docker && echo {shlex.quote(value)} > {DAEMON_JSON}")
    edit = ("vi", DAEMON_JSON)
    text = f'Set "dns": {json.dumps(list(servers))} in {DAEMON_JSON} (addresses that containers reach), then restart Docker.'
    text += " Containers stop with it, unless live-restore is set."
    first = edit if read_text(host, DAEMON_JSON).exists else write
    return remedy(host, text, first, ("systemctl", "restart", "docker"))


CHECKS = (hosts_file, private_answers, container_dns)
