"""How to fix what a probe met, in this host's own commands: its CA tool, its units, its time service."""

from __future__ import annotations

from pathlib import Path

from anywhere.checks.endpoints.own_cas import own_ca
from anywhere.checks.remedies import Command, family, install, remedy
from anywhere.evidence import Look
from anywhere.facts.agents.components import components
from anywhere.facts.agents.ecs_config import USER
from anywhere.facts.files import list_folder, shell_line
from anywhere.facts.network.visit import Visit
from anywhere.facts.system.exec_files import BUNDLE as EXEC_BUNDLE
from anywhere.facts.system.time_sync import time_sync
from anywhere.hosts.base import Host
from anywhere.model import Remedy

CA_FILE = "inspecting-ca.crt"
SET_LINE = shell_line(Path(__file__).with_name("set_line.sh"))
ADD_CA = shell_line(Path(__file__).with_name("add_ca.sh"))
AGENT_CA = "/etc/ecs/inspecting-ca.pem"
ASK = "Ask the proxy or firewall team to exempt these names from TLS inspection, and for their CA certificate."
BYPASS = "Exempt these names from TLS inspection if you can. "


def trust_the_host(host: Host, visit: Visit) -> Remedy:
    """Add a CA to the host's store by the distribution's own tool, then restart who reads it at its start."""
    known = family(host)
    text = (
        BYPASS
        + f"Otherwise save the inspecting CA (from the team that runs the device, not from the connection) as {CA_FILE} and "
        "add it to this host's store. Never switch verification off. Docker reads the store at its start too: restart it when "
        "its containers may stop."
    )
    if known is None:
        return Remedy(text)
    add: tuple[Command, ...] = (("install", "-m", "0644", CA_FILE, f"{known.ca_folder}/{CA_FILE}"),)
    if lying := own_ca(host, known, _issuers(visit)):
        text = (
            f"{BYPASS}Otherwise: {lying.path} is on this host, and not in its store: {lying.why}. If it is the inspecting CA, "
            f"{lying.fix}. Never switch verification off."
        )
        add = lying.commands
    build = () if add[-1][0] == known.ca_command[0] else (known.ca_command,)
    restart = (("systemctl", "restart", visit.vantage.unit),) if visit.vantage.exists and visit.vantage.unit else ()
    copy = _renewed_copy(host, known.ca_bundle)
    if copy:
        text += f" ECS Exec has a copy of the store ({EXEC_BUNDLE}), which nothing renews by itself."
    return remedy(host, text, *add, *build, *copy, *restart, ask=ASK)


def _issuers(visit: Visit) -> tuple[str, ...]:
    """The names of the CAs that signed what was presented."""
    shown = visit.look(Look.ANY_TRUST)
    tls = shown.tls if shown else None
    # Each is printed as `common name, organization`; of a root that is not sent only the organization may be seen.
    parts = [part for one in tls.chain for part in one.split(", ")] if tls else []
    return tuple(dict.fromkeys((tls.issuer, tls.issuer_organization, *parts))) if tls else ()


def _renewed_copy(host: Host, bundle: str) -> tuple[tuple[str, ...], ...]:
    """The command that renews the copy for ECS Exec (ecs-anywhere-install.sh; agent/engine/execcmd), where there is one."""
    folder, _, name = EXEC_BUNDLE.rpartition("/")
    return (("install", "-m", "0400", bundle, EXEC_BUNDLE),) if name in (list_folder(host, folder) or ()) else ()


def _named_file(host: Host, visit: Visit) -> str:
    """The file that a component's SSL_CERT_FILE names, where it is there and the component reads it."""
    own = next((one for one in components(host) if one.name == visit.vantage.component), None)
    path = own.intended.get("SSL_CERT_FILE", "") if own else ""
    folder, _, name = path.rpartition("/")
    is_read = f"file={path}" in visit.vantage.trust.split("|")
    return path if path and is_read and name in (list_folder(host, folder) or ()) else ""


def trust_the_component(host: Host, visit: Visit) -> Remedy:
    """Give one component the CA that the host has already."""
    unit = visit.vantage.unit or visit.vantage.component
    known = family(host)
    if EXEC_BUNDLE in visit.vantage.trust and known:
        return remedy(
            host,
            f"{BYPASS}Otherwise renew the copy of the CA bundle that ECS Exec hands into containers, for tasks that are "
            "started from then on: nothing renews it by itself.",
            *_renewed_copy(host, known.ca_bundle),
        )
    if own := _named_file(host, visit):
        return remedy(
            host,
            f"{BYPASS}Otherwise save the inspecting CA as {CA_FILE} and add it to {own}, which SSL_CERT_FILE names for "
            f"{unit}; what else is in that file stays.",
            (*ADD_CA, "sh", CA_FILE, own),
            ("systemctl", "restart", unit),
        )
    if visit.vantage.component == "ecs-agent":
        return remedy(
            host,
            f"{BYPASS}Otherwise copy the CA to /etc/ecs, which the agent's container sees, and set "
            f"SSL_CERT_FILE={AGENT_CA} in {USER}.",
            ("install", "-m", "0644", CA_FILE, AGENT_CA),
            (*SET_LINE, "sh", USER, f"SSL_CERT_FILE={AGENT_CA}"),
            ("systemctl", "restart", unit),
        )
    return remedy(
        host,
        f"{BYPASS}Otherwise remove SSL_CERT_FILE and SSL_CERT_DIR from {unit}'s environment, so that it reads the host's "
        "store, or add the CA to the file that they name.",
        ("systemctl", "edit", unit),
        ("systemctl", "restart", unit),
    )


def trust_a_registry(host: Host, visit: Visit) -> Remedy:
    """Give docker the CA of the site's own registry, for that registry alone."""
    endpoint = visit.endpoint
    name = endpoint.host if endpoint.port == 443 else f"{endpoint.host}:{endpoint.port}"
    folder = f"/etc/docker/certs.d/{name}"
    return remedy(
        host,
        f"Put the CA of {name} (registry-ca.crt, from those who run it) where docker reads it for this registry.",
        ("install", "-D", "-m", "0644", "registry-ca.crt", f"{folder}/ca.crt"),
    )


def build_store(host: Host) -> Remedy:
    """Install the distribution's CA certificates and build the store."""
    known = family(host)
    update = (known.ca_command,) if known else ()
    return remedy(
        host, "Install the CA certificates and rebuild the store.", *install(host, "ca-certificates"), *update
    )


def set_the_clock(host: Host) -> Remedy:
    """Set the clock now, by the time service that this host has."""
    text = (
        "Set the clock from the site's own time source (server HOST iburst in the time service's settings), then restart the "
        "agents."
    )
    service = time_sync(host).service
    if "chron" in service:
        return remedy(host, text, ("chronyc", "makestep"))
    if service:
        return remedy(host, text, ("systemctl", "restart", service))
    known = family(host)
    unit = "chrony" if known is not None and known.manager == "apt" else "chronyd"
    return remedy(host, text, *install(host, "chrony"), ("systemctl", "enable", "--now", unit), ("chronyc", "makestep"))
