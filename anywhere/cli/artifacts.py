"""`anywhere artifacts`: packages for hosts without a way out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import FORMAT, FORMATS
from anywhere.cli.output import write
from anywhere.cli.say import note
from anywhere.errors import BadInput

app = group("Fetch the agents' packages with their signatures, and verify a folder of them.")
_KEYRING = typer.Option("", help="OpenPGP public keys of your own, as for a mirror that signs again: site.asc.")


@app.command(
    cls=Grouped,
    epilog="\b\nExample:\n  anywhere artifacts fetch --region eu-west-1 --arch x86_64 --distro debian --to ./artifacts",
)
def fetch(
    region: str = typer.Option(..., help="AWS region that the hosts will use."),
    arch: str = typer.Option("x86_64", help="x86_64 or aarch64."),
    distro: str = typer.Option(
        ..., help="Distribution of the hosts (debian, ubuntu, rhel, amzn, sles ...), or deb or rpm."
    ),
    to: str = typer.Option(..., help="Folder to fill. The same command continues an interrupted download."),
    ecs_version: str = typer.Option("latest", help="Version of amazon-ecs-init, as in 1.105.1-1."),
    ssm_version: str = typer.Option("latest", help="Version of amazon-ssm-agent, as in 3.3.4108.0."),
    keyring: str = _KEYRING,
    dualstack: bool = typer.Option(False, help="Use the dual-stack S3 name (IPv6 only)."),
    format: str = FORMAT,
) -> int:
    """Download and verify both agents' packages for one kind of host.

    Exit codes: 0 complete and verified, 1 a download or a signature failed, 2 usage.
    """
    from anywhere.flows.lifecycle import artifacts
    from anywhere.report.shown.commands import prose

    BadInput.require("format", format, FORMATS)
    origin = artifacts.Origin("", "", keyring, ecs_version, ssm_version, dualstack)
    manifest = artifacts.fetch(region, arch, distro, to, origin, _progress())
    rows = [
        {"package": row.package, "file": row.name, "bytes": row.size, "sha256": row.sha256, "key": row.key}
        for row in manifest.artifacts
    ]
    if format == "json":
        write(json.dumps({"folder": to, "region": region, "artifacts": rows}, indent=2) + "\n")
    else:
        write("".join(f"{row['file']}: {row['bytes']} bytes, signed by {row['key']}\n" for row in rows))
        note(prose(f"Take {to} to the hosts, then register with `anywhere register --artifacts {shlex.quote(to)}`."))
    return 0


@app.command(cls=Grouped, epilog="\b\nExample:\n  anywhere artifacts verify ./artifacts")
def verify(
    folder: str = typer.Argument(..., help="Folder filled by `anywhere artifacts fetch`."),
    keyring: str = _KEYRING,
    format: str = FORMAT,
) -> int:
    """Verify the hash and the signature of every package in a folder.

    Exit codes: 0 all verified, 1 at least one is not, 2 usage.
    """
    from anywhere.flows.lifecycle import artifacts

    BadInput.require("format", format, FORMATS)
    manifest, found = artifacts.verify_folder(folder, keyring)
    if format == "json":
        rows = [
            {
                "file": one.artifact.name,
                "ok": one.vouched is not None,
                "key": one.vouched.key if one.vouched else "",
                "source": one.vouched.source if one.vouched else "",
                "reason": one.error.reason if one.error else "",
                "error": str(one.error) if one.error else "",
            }
            for one in found
        ]
        write(json.dumps({"folder": folder, "region": manifest.region, "artifacts": rows}, indent=2) + "\n")
    else:
        write("".join(f"{one.artifact.name}: {one.vouched or f'FAILED: {one.error}'}\n" for one in found))
    return 0 if all(one.vouched for one in found) else 1


def _progress() -> Callable[[str, int, int], None]:
    from anywhere.cli.register.progress import Lines

    return Lines("").received
