"""`anywhere register`: from a bare server to a healthy container instance."""

from __future__ import annotations

import os

import typer

from anywhere.cli.helping import Grouped
from anywhere.cli.hosts import with_hosts
from anywhere.flows.hosts import Hosts

EXAMPLES = """\b
Examples:
  anywhere register --region eu-west-1 --cluster prod --activation-file activation.json --dry-run
  sudo anywhere register --region eu-west-1 --cluster prod --activation-file activation.json
  anywhere register --region eu-west-1 --cluster prod --activation-stdin -i hosts.ini --wave 10% --resume done.jsonl
  sudo anywhere register --region eu-west-1 --cluster prod --activation-file a.json --artifacts /media/artifacts
"""
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Grouped, epilog=EXAMPLES)
@with_hosts
def register(
    hosts: Hosts,
    region: str = typer.Option(..., help="AWS region of the cluster and of the activation."),
    cluster: str = typer.Option("default", help="Cluster to join."),
    account: str = typer.Option(
        "", help="Account that the host must belong to (12 digits); compared where it is known."
    ),
    activation_file: str = typer.Option(
        "", help="Activation: JSON of `aws ssm create-activation`, or id= and code= lines."
    ),
    activation_stdin: bool = typer.Option(False, "--activation-stdin", help="Read the activation from standard input."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show every step and file difference; change nothing."),
    artifacts: str = typer.Option("", help="Folder of `anywhere artifacts fetch`: nothing is downloaded."),
    artifacts_url: str = typer.Option("", help="The same folder on a web server, as in http://mirror.example/ecs."),
    keyring: str = typer.Option("", help="OpenPGP public keys of your own, for packages that a mirror signed again."),
    docker: str = typer.Option("auto", help="Where Docker comes from if absent: auto, distro, docker, none."),
    ecs_version: str = typer.Option("latest", help="Version of amazon-ecs-init to install, as in 1.105.1-1."),
    ssm_version: str = typer.Option("latest", help="Version of amazon-ssm-agent to install, as in 3.3.4108.0."),
    ecs_endpoint: str = typer.Option("", help="Endpoint in place of ecs.REGION (ECS_BACKEND_HOST)."),
    gpu: bool = typer.Option(False, "--enable-gpu", help="Turn GPU support on; the driver must be installed."),
    ip_compatibility: str = typer.Option("", help="ipv4 or ipv6; default: the agents decide by the routes."),
    certs_file: str = typer.Option("", help="CA bundle for ECS Exec; default: the host's own."),
    exec_binaries: str = typer.Option(
        "", help="amazon-ssm-agent-binaries.tar.gz for ECS Exec, with a signature beside it by a key of --keyring."
    ),
    attribute: list[str] = typer.Option([], help="Instance attribute NAME=VALUE, set at the first registration."),
    tag: list[str] = typer.Option([], help="Instance tag NAME=VALUE, set at the first registration."),
    no_start: bool = typer.Option(False, "--no-start", help="Register and enable both agents, but start neither."),
    proxy_url: str = typer.Option("", help="Proxy for Docker and both agents: http://HOST:PORT, without credentials."),
    proxy_url_file: str = typer.Option("", help="File that holds the proxy's URL, with credentials where needed."),
    no_proxy: list[str] = typer.Option([], help="Names and networks that need no proxy."),
    ca: str = typer.Option("", help="CA certificates to trust, as PEM."),
    proxy_packages: bool = typer.Option(False, "--proxy-packages", help="The package manager uses the proxy too."),
    demote: list[str] = typer.Option([], help="Let this check or topic warn where it would stop the registration."),
    wait: float = typer.Option(180.0, help="Seconds until the instance has to be healthy."),
    probe_image: str = typer.Option(
        "", help="Image with sh and wget, curl or nc: a container of it must reach 169.254.170.2."
    ),
    wave: str = typer.Option("", help="Hosts at once, as a number or a share (5%); one canary goes first."),
    resume: str = typer.Option("", help="Keep results in this file, and go on with the hosts that are left."),
    format: str = typer.Option("table", help="table, json or csv."),
    output: str = typer.Option("", help="Write the result to a file."),
) -> int:
    """Register hosts with ECS Anywhere and wait until each is proven healthy.

    The activation can also come in the variables ANYWHERE_ACTIVATION_ID and ANYWHERE_ACTIVATION_CODE.
    What is done already stays: run the same command again after an interruption.

    Exit codes: 0 healthy, 1 not, or the host is registered elsewhere, 2 usage.
    """
    from anywhere.catalogue.regions import find_region
    from anywhere.cli.register.order import activation_of, profile_of, show
    from anywhere.errors import BadInput
    from anywhere.flows.lifecycle.register import Order, Origin, Wanted, check_wanted, pairs
    from anywhere.report.fleet.registered import FORMATS
    from anywhere.settings import Settings

    if format not in FORMATS:
        raise BadInput.unknown("format", format, FORMATS)
    if artifacts and artifacts_url:
        raise BadInput("--artifacts and --artifacts-url exclude each other")
    if not 1 <= wait <= 3600:
        raise BadInput(f"--wait must be 1 to 3600 seconds, not {wait:g}")
    if exec_binaries and not keyring:
        raise BadInput("--exec-binaries needs --keyring: AWS does not sign them, so a key of your own has to")
    if exec_binaries and not os.path.isfile(exec_binaries):
        raise BadInput(f"--exec-binaries {exec_binaries}: no such file")
    find_region(region)
    wanted = Wanted(
        region,
        cluster,
        account,
        docker,
        not no_start,
        gpu,
        ecs_endpoint,
        ip_compatibility,
        certs_file,
        pairs("--attribute", tuple(attribute)),
        pairs("--tag", tuple(tag)),
    )
    check_wanted(wanted)
    if proxy_packages and not (proxy_url or proxy_url_file):
        raise BadInput("--proxy-packages needs --proxy-url or --proxy-url-file")
    activation = activation_of(activation_file, activation_stdin)
    order = Order(
        wanted,
        activation,
        Origin(artifacts, artifacts_url, keyring, ecs_version, ssm_version, ip_compatibility == "ipv6", exec_binaries),
        Settings(regions=(region,), demote=tuple(demote), cluster=cluster, dualstack=ip_compatibility == "ipv6"),
        profile_of(proxy_url, proxy_url_file, tuple(no_proxy), ca),
        wait,
        probe_image,
        proxy_packages,
    )
    return show(hosts, order, wave, resume, dry_run, format, output)
