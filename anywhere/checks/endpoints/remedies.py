"""How to mend what a probe met, in this host's own commands: its CA tool, its units, its time service."""

from __future__ import annotations

from anywhere.checks.remedies import family, install, remedy
from anywhere.facts.files import list_folder, read_text
from anywhere.facts.network.visit import Visit
from anywhere.facts.system.time_sync import time_sync
from anywhere.hosts.base import Host
from anywhere.model import Remedy

CA_FILE = "inspecting-ca.crt"
AGENT_CA = "/etc/ecs/inspecting-ca.pem"
BYPASS = "Ask for these names to be exempt from TLS inspection first. "


def trust_the_host(host: Host, visit: Visit) -> Remedy:
    """Add a CA to the host's store by the distribution's own tool, then restart who reads it at its start."""
    known = family(host)
    text = (
        BYPASS
        + "Otherwise put the inspecting CA (get it from those who run the device, not from the wire) into this host's "
        "store and the copies that the agents use; never switch verification off. Restart ecs as well: at its start it copies "
        "the store for ECS Exec (/var/lib/ecs/deps/execute-command/certs)."
    )
    if known is None:
        return Remedy(text)
    add: tuple[str, ...] = ("install", "-m", "0644", CA_FILE, f"{known.ca_folder}/{CA_FILE}")
    if lying := _overlooked(host, known.ca_folder):
        text = (
            f"{BYPASS}Otherwise: {lying} lies in the folder of the host's own CAs, and {known.ca_command[0]} ignores it, since "
            f"its name does not end in {'.crt' if known.manager == 'apt' else '.pem or .crt'}. If it is the inspecting CA, "
            "rename it and build the store; never switch verification off."
        )
        add = ("mv", lying, f"{lying.rpartition('.')[0] or lying}.crt")
    restart = (("systemctl", "restart", visit.vantage.unit),) if visit.vantage.exists and visit.vantage.unit else ()
    return remedy(host, text, add, known.ca_command, *restart)


def _overlooked(host: Host, folder: str) -> str:
    """A certificate in the folder of own CAs that the distribution's tool does not take; empty without one."""
    suffixes = (".crt",) if folder == "/usr/local/share/ca-certificates" else (".crt", ".pem", ".cer", ".der")
    for name in list_folder(host, folder) or ():
        path = f"{folder}/{name}"
        if not name.endswith(suffixes) and "BEGIN CERTIFICATE" in read_text(host, path).content:
            return path
    return ""


def trust_the_component(host: Host, visit: Visit) -> Remedy:
    """Give one component the CA that the host has already."""
    unit = visit.vantage.unit or visit.vantage.component
    if visit.vantage.component == "ecs-agent":
        return remedy(
            host,
            f"{BYPASS}Otherwise put the CA under /etc/ecs, which the agent's container sees, and name it in "
            f"/etc/ecs/ecs.config: SSL_CERT_FILE={AGENT_CA}.",
            ("install", "-m", "0644", CA_FILE, AGENT_CA),
            ("systemctl", "restart", unit),
        )
    return remedy(
        host,
        f"{BYPASS}Otherwise take SSL_CERT_FILE and SSL_CERT_DIR out of {unit}'s environment, so that it reads the host's "
        "store, or add the CA to the file that they name.",
        ("systemctl", "edit", unit),
        ("systemctl", "restart", unit),
    )


def build_store(host: Host) -> Remedy:
    """Install the distribution's CA certificates and build the store."""
    known = family(host)
    update = (known.ca_command,) if known else ()
    return remedy(
        host, "Install the CA certificates and build the store anew.", *install(host, "ca-certificates"), *update
    )


def set_the_clock(host: Host) -> Remedy:
    """Set the clock now, by the time service that this host has."""
    text = (
        "Set the clock from the site's own time source (name it in the time service's settings: server HOST iburst) and keep "
        "it so; then restart the agents, which do not notice it."
    )
    service = time_sync(host).service
    if "chron" in service:
        return remedy(host, text, ("chronyc", "makestep"))
    if service:
        return remedy(host, text, ("systemctl", "restart", service))
    known = family(host)
    unit = "chrony" if known is not None and known.manager == "apt" else "chronyd"
    return remedy(host, text, *install(host, "chrony"), ("systemctl", "enable", "--now", unit), ("chronyc", "makestep"))
