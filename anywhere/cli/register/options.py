"""What to register and how: the options of `anywhere register` that make its order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from anywhere.cli.hosts import injected
from anywhere.errors import BadInput
from anywhere.frozen import frozen

if TYPE_CHECKING:
    from anywhere.flows.lifecycle.register import Order, Wanted

ARTIFACTS = typer.Option("", help="Folder of `anywhere artifacts fetch`: nothing is downloaded.")
ARTIFACTS_URL = typer.Option("", help="The same folder on a web server, as in http://mirror.example/ecs.")
KEYRING = typer.Option("", help="OpenPGP public keys of your own, for packages that a mirror signed again.")
OPTIONS: dict[str, tuple[Any, Any]] = {
    "region": (str, typer.Option(..., help="AWS region of the cluster and of the activation.")),
    "cluster": (str, typer.Option("default", help="Cluster to join.")),
    "account": (
        str,
        typer.Option("", help="Account that the host must belong to (12 digits); compared where it is known."),
    ),
    "activation_file": (
        str,
        typer.Option("", help="Activation: JSON of `aws ssm create-activation`, or id= and code= lines."),
    ),
    "activation_stdin": (
        bool,
        typer.Option(False, "--activation-stdin", help="Read the activation from standard input."),
    ),
    "artifacts": (str, ARTIFACTS),
    "artifacts_url": (str, ARTIFACTS_URL),
    "keyring": (str, KEYRING),
    "docker": (str, typer.Option("auto", help="Where Docker comes from if absent: auto, distro, docker, none.")),
    "ecs_version": (str, typer.Option("latest", help="Version of amazon-ecs-init to install, as in 1.105.1-1.")),
    "ssm_version": (str, typer.Option("latest", help="Version of amazon-ssm-agent to install, as in 3.3.4108.0.")),
    "ecs_endpoint": (str, typer.Option("", help="Endpoint in place of ecs.REGION (ECS_BACKEND_HOST).")),
    "gpu": (bool, typer.Option(False, "--enable-gpu", help="Turn GPU support on; the driver must be installed.")),
    "ip_compatibility": (str, typer.Option("", help="ipv4 or ipv6; default: the agents decide by the routes.")),
    "certs_file": (str, typer.Option("", help="CA bundle for ECS Exec; default: the host's own.")),
    "exec_binaries": (
        str,
        typer.Option(
            "", help="amazon-ssm-agent-binaries.tar.gz for ECS Exec, with a signature beside it by a key of --keyring."
        ),
    ),
    "attribute": (list[str], typer.Option([], help="Instance attribute NAME=VALUE, set at the first registration.")),
    "tag": (list[str], typer.Option([], help="Instance tag NAME=VALUE, set at the first registration.")),
    "no_start": (bool, typer.Option(False, "--no-start", help="Register and enable both agents, but start neither.")),
    "proxy_url": (
        str,
        typer.Option("", help="Proxy for Docker and both agents: http://HOST:PORT, without credentials."),
    ),
    "proxy_url_file": (str, typer.Option("", help="File that holds the proxy's URL, with credentials where needed.")),
    "no_proxy": (list[str], typer.Option([], help="Names and networks that need no proxy.")),
    "ca": (str, typer.Option("", help="CA certificates to trust, as PEM.")),
    "proxy_packages": (bool, typer.Option(False, "--proxy-packages", help="The package manager uses the proxy too.")),
    "demote": (list[str], typer.Option([], help="Let this check or topic warn where it would stop the registration.")),
    "wait": (float, typer.Option(180.0, help="Seconds until the instance has to be healthy.")),
    "probe_image": (
        str,
        typer.Option("", help="Image with sh and wget, curl or nc: a container of it must reach 169.254.170.2."),
    ),
}


def with_order(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above; it gets them as one argument, `order`."""
    return injected(command, "order", OPTIONS, lambda **words: Given(**words).order())


@frozen
class Given:
    """The options above as they were given."""

    region: str
    cluster: str
    account: str
    activation_file: str
    activation_stdin: bool
    artifacts: str
    artifacts_url: str
    keyring: str
    docker: str
    ecs_version: str
    ssm_version: str
    ecs_endpoint: str
    gpu: bool
    ip_compatibility: str
    certs_file: str
    exec_binaries: str
    attribute: list[str]
    tag: list[str]
    no_start: bool
    proxy_url: str
    proxy_url_file: str
    no_proxy: list[str]
    ca: str
    proxy_packages: bool
    demote: list[str]
    wait: float
    probe_image: str

    def order(self) -> Order:
        """The order. Raises BadInput."""
        from anywhere.cli.register.order import activation_of, profile_of
        from anywhere.flows.lifecycle.register import Order, Origin
        from anywhere.settings import Settings

        self._refuse()
        wanted, ipv6 = self._wanted(), self.ip_compatibility == "ipv6"
        activation = activation_of(self.activation_file, self.activation_stdin)
        versions = self.ecs_version, self.ssm_version
        return Order(
            wanted,
            activation,
            Origin(self.artifacts, self.artifacts_url, self.keyring, *versions, ipv6, self.exec_binaries),
            Settings(regions=(self.region,), demote=tuple(self.demote), cluster=self.cluster, dualstack=ipv6),
            profile_of(self.proxy_url, self.proxy_url_file, tuple(self.no_proxy), self.ca),
            self.wait,
            self.probe_image,
            self.proxy_packages,
        )

    def _refuse(self) -> None:
        """Raise BadInput for options that contradict each other."""
        from anywhere.flows.examine import validate

        check_artifacts(self.artifacts, self.artifacts_url, self.keyring)
        check_wait(self.wait)
        for word in self.demote:
            validate(word)
        if self.exec_binaries and not self.keyring:
            raise BadInput("--exec-binaries needs --keyring: AWS does not sign them, so a key of your own has to")
        if self.exec_binaries and not os.path.isfile(self.exec_binaries):
            raise BadInput(f"--exec-binaries {self.exec_binaries}: no such file")
        if self.proxy_packages and not (self.proxy_url or self.proxy_url_file):
            raise BadInput("--proxy-packages needs --proxy-url or --proxy-url-file")

    def _wanted(self) -> Wanted:
        from anywhere.catalogue.regions import find_region
        from anywhere.flows.lifecycle.register import Wanted, check_wanted, pairs

        find_region(self.region)
        wanted = Wanted(
            self.region,
            self.cluster,
            self.account,
            self.docker,
            not self.no_start,
            self.gpu,
            self.ecs_endpoint,
            self.ip_compatibility,
            self.certs_file,
            pairs("--attribute", tuple(self.attribute)),
            pairs("--tag", tuple(self.tag)),
        )
        check_wanted(wanted)
        return wanted


def check_artifacts(folder: str, url: str, keyring: str = "") -> None:
    """Raise BadInput where packages would come from two places or from none, or their keys cannot be read: before
    anything is done, and in a dry run too."""
    from anywhere.flows.lifecycle.artifacts import load_keys

    if folder and url:
        raise BadInput("--artifacts and --artifacts-url exclude each other")
    if url and not re.match(r"https?://[^/\s]", url):
        raise BadInput(f"--artifacts-url takes http://HOST/PATH or https://HOST/PATH, not {url!r}")
    load_keys(keyring)


def check_wait(seconds: float) -> None:
    """Raise BadInput for seconds that are none to wait for a healthy instance."""
    if not 1 <= seconds <= 3600:
        raise BadInput(f"--wait must be 1 to 3600 seconds, not {seconds:g}")
