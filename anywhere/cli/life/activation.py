"""`anywhere activation`: activations for registrations."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import FORMAT, FORMATS
from anywhere.cli.output import write
from anywhere.cli.say import note, say
from anywhere.errors import BadInput
from anywhere.flows.hosts import chosen
from anywhere.flows.life import activation as flow
from anywhere.flows.lifecycle.register import pairs
from anywhere.printable import json_text, printable
from anywhere.report.shown.commands import prose
from anywhere.wording import count

SCHEMA = "anywhere/activations/1"
app = group("Create, show, plan and delete activations (needs AWS keys and the extra `aws`; `plan` needs neither).")
_REGION = typer.Option(..., help="AWS region of the activation.")
_INVENTORY = typer.Option("", "--inventory", "-i", help="A file of hosts, whose number counts.")


@app.command(
    cls=Grouped,
    epilog="\b\nExample:\n  anywhere activation create --region eu-west-1 -i hosts.ini --expires 7d --output a.json",
)
def create(
    region: str = _REGION,
    output: str = typer.Option(..., help="File for ID and code, readable by you alone; - is standard output."),
    limit: int = typer.Option(0, help="How many hosts it registers, 1 to 1000. Default: those of --inventory, else 1."),
    inventory: str = _INVENTORY,
    expires: str = typer.Option("24h", help="Time until it expires, up to 30d. Default: 24h."),
    role: str = typer.Option(flow.ROLE, help="IAM role of the instances. Default: ecsAnywhereRole."),
    name: str = typer.Option("", help="Default name of the managed nodes."),
    tag: list[str] = typer.Option([], help="Tag NAME=VALUE of the managed nodes."),
    no_role_check: bool = typer.Option(False, "--no-role-check", help="Do not ask IAM about the role."),
) -> int:
    """Check the role, create an activation, and write it to a file.

    The file has the form of `aws ssm create-activation`.

    Exit codes: 0 created, 1 refused by AWS or the role does not fit, 2 usage.
    """
    from anywhere.files import writable

    hosts = limit or _count(inventory) or 1
    tags = tuple(pairs("--tag", tuple(tag)).items())
    wish = flow.Wish(region, hosts, flow.parse_seconds(expires), role, name, tags)
    flow.check_wish(wish)
    if output != "-":
        writable(output)
    owner = flow.account(region)
    problems = () if no_role_check else flow.check_role(owner, role)
    for one in problems:
        say(f"role {role}: {one}" if not one.startswith("role ") else one)
    if any(not one.startswith("role ") for one in problems):
        note("No activation was created: correct the role, or give --no-role-check.")
        return 1
    made = flow.create(owner, wish)
    if output == "-":
        write(json_text(made, 2) + "\n")
    else:
        flow.keep(output, made)
    noun = "host" if hosts == 1 else "hosts"
    note(f"Activation {made['ActivationId']} for {hosts} {noun}, expires in {expires}. Next:")
    note(prose(f"  `anywhere register --region {region} --cluster CLUSTER --activation-file {shlex.quote(output)}`"))
    return 0


@app.command(cls=Grouped, epilog="\b\nExample:\n  anywhere activation show --region eu-west-1 -i hosts.ini")
def show(region: str = _REGION, inventory: str = _INVENTORY, format: str = FORMAT) -> int:
    """Show the activations of a region, their uses left and expiry.

    With an inventory: whether one has enough uses left for it.

    Exit codes: 0, or 1 where no activation has enough uses left for the inventory.
    """
    BadInput.require("format", format, FORMATS)
    hosts = _count(inventory)
    found = flow.show(flow.account(region))
    fits = [one for one in found if one.left >= hosts]
    if format == "json":
        rows = [{**dataclasses.asdict(one), "left": one.left, "until": one.until} for one in found]
        write(json_text({"schema": SCHEMA, "region": region, "hosts": hosts, "activations": rows}, 2) + "\n")
    else:
        write(_table(found) if found else f"no activations in {region}\n")
        if hosts:
            said = (
                f"{fits[0].id} has enough uses left"
                if fits
                else "none has enough uses left: create one with `anywhere activation create`"
            )
            note(prose(f"{hosts} hosts in {inventory}: {said}"))
    return 1 if hosts and not fits else 0


@app.command(cls=Grouped, epilog="\b\nExample:\n  anywhere activation plan -i hosts.ini --hours 72")
def plan(
    inventory: str = _INVENTORY,
    hosts: int = typer.Option(0, help="How many hosts, in place of an inventory."),
    hours: float = typer.Option(flow.HOURS, help="How long the rollout takes in hours. Default: 24."),
    format: str = FORMAT,
) -> int:
    """Print how many activations of which size and expiry a fleet needs."""
    BadInput.require("format", format, FORMATS)
    count = hosts or _count(inventory)
    if count < 1:
        raise BadInput("how many hosts? give --inventory FILE or --hosts N")
    if count > flow.MOST_HOSTS:
        raise BadInput(f"--hosts takes up to {flow.MOST_HOSTS}, not {count}")
    if not 0 < hours <= 720:
        raise BadInput("an activation lasts up to 30 days: --hours takes 1 to 720; plan a longer rollout in parts")
    rows = flow.plan(count, hours)
    if format == "json":
        listed = [{"limit": limit, "hours": until} for limit, until in rows]
        write(json_text({"schema": SCHEMA, "hosts": count, "plan": listed}, 2) + "\n")
        return 0
    lines = [f"{limit} host{'s' * (limit != 1)}, expires in {until:.0f} h" for limit, until in rows]
    write("".join(f"activation {number}: {line}\n" for number, line in enumerate(lines, 1)))
    if count > flow.STANDARD_TIER:
        note(
            f"{count} hosts are more than the {flow.STANDARD_TIER} of Systems Manager's standard tier in one account and "
            "region: turn the advanced-instances tier on first (it has a price)."
        )
    return 0


@app.command(
    cls=Grouped,
    epilog="\b\nExample:\n  anywhere activation delete --region eu-west-1 01234567-89ab-cdef-0123-456789abcdef --yes",
)
def delete(
    ids: list[str] = typer.Argument(..., metavar="ID...", help="IDs of activations."),
    region: str = _REGION,
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask. Needed where standard input is no terminal."),
) -> int:
    """Delete activations. Hosts that registered with them stay registered."""
    import sys

    owner = flow.account(region)
    if not yes:
        if not sys.stdin.isatty():
            raise BadInput("delete cannot be undone: give --yes where standard input is no terminal")
        typer.confirm(f"delete {count(ids, 'activation')}?", abort=True, err=True)
    flow.delete(owner, ids)
    write("".join(f"{printable(one)}: deleted\n" for one in ids))
    return 0


def _count(inventory: str) -> int:
    """How many hosts an inventory lists; 0 without one. Raises BadInput."""
    return len(chosen(inventory=inventory, note=say).entries) if inventory else 0


def _table(found: Sequence[flow.Shown]) -> str:
    rows = [("ID", "LEFT", "LIMIT", "EXPIRES", "ROLE", "NAME")]
    rows += [
        (one.id, str(one.left), str(one.limit), "expired" if one.expired else one.until, one.role, one.name)
        for one in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)
