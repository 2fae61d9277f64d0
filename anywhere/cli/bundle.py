"""`anywhere bundle`: look into saved observations before they are sent, and compare two of them."""

from __future__ import annotations

import dataclasses

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import FORMAT, FORMATS, OUTPUT
from anywhere.errors import BadInput
from anywhere.printable import json_text, printable
from anywhere.wording import count

app = group("Show or compare saved observations.")


@app.command(
    cls=Grouped,
    short_help="List what a bundle holds and what was masked in it.",
    epilog="\b\nExamples:\n  anywhere bundle show host.json.gz\n"
    "  anywhere bundle show host.json.gz --observation /etc/resolv.conf\n",
)
def show(
    file: str = typer.Argument(..., help="A bundle that `anywhere check --save` wrote."),
    observation: str = typer.Option(
        "", help="Print this observation in full; a part of its name is enough, such as resolv.conf."
    ),
    format: str = FORMAT,
    output: str = OUTPUT,
) -> None:
    """List what a bundle holds, and what was masked in it: a preview before you share it."""
    from anywhere.cli.output import write
    from anywhere.flows.check import load
    from anywhere.report.bundle import observations

    BadInput.require("format", format, FORMATS)
    body = load(file)
    if observation:
        write(_whole(body["observations"], observation), output)
        return
    seen = observations(body["observations"])
    if format == "json":
        head = {name: body.get(name, "") for name in ("schema", "host", "captured")}
        write(_json({**head, "observations": [dataclasses.asdict(one) for one in seen]}), output)
        return
    lines = [f"{body.get('host', '')}, observed {body.get('captured', '')}: {len(seen)} observations"]
    for one in seen:
        lines.append(f"  {one.verb:<9} {one.size:>8} B  {one.asked[:140]}")
        lines += [f"  {'':<9} {'masked':>10}  {line}" for line in one.masked]
    masked = sum(len(one.masked) for one in seen)
    lines += ["", f"{masked} line{'' if masked == 1 else 's'} masked. Addresses and names of hosts are not masked."]
    write("\n".join(lines) + "\n", output)


@app.command(
    cls=Grouped,
    short_help="Say what changed between two bundles.",
    epilog="\b\nExamples:\n  anywhere bundle diff before.json.gz after.json.gz\n"
    "  anywhere bundle diff web1.json.gz web2.json.gz --format json\n",
)
def diff(
    old: str = typer.Argument(..., help="The bundle of before, or of one host."),
    new: str = typer.Argument(..., help="The bundle of now, or of the other host."),
    format: str = FORMAT,
    output: str = OUTPUT,
) -> None:
    """Compare two bundles: what changed, then findings, facts and observations. Times and counters are left out."""
    from anywhere.cli.output import write
    from anywhere.flows.check import compare

    BadInput.require("format", format, FORMATS)
    before, after, found, drift = compare(old, new)
    if format == "json":
        write(
            _json(
                {
                    "old": _head(before),
                    "new": _head(after),
                    "changes": list(drift),
                    "differences": [dataclasses.asdict(d) for d in found],
                }
            ),
            output,
        )
        return
    lines = [f"- {_head(before)}", f"+ {_head(after)}", ""]
    lines += [*(f"changed  {said}" for said in drift), ""] if drift else []
    for one in found:
        lines.append(f"{one.kind}  {one.subject}")
        if one.lines:
            lines += [f"    {line}" for line in one.lines]
        else:
            lines += [f"    {mark} {text}" for mark, text in (("-", one.old), ("+", one.new)) if text]
    lines.append(count(found, "difference"))
    write("\n".join(lines) + "\n", output)


def _head(body: dict[str, object]) -> str:
    return f"{body.get('host', '')} {body.get('captured', '')}".strip()


def _whole(kept: dict[str, object], wanted: str) -> str:
    keys = [key for key in kept if wanted in key] or [key for key in kept if wanted in key.replace('", "', " ")]
    if not keys:
        raise BadInput(f"the bundle holds no observation with {wanted[:80]!r}: `anywhere bundle show` lists them")
    parts = []
    for key in keys:
        value = kept[key]
        text = value["stdout"] if isinstance(value, dict) and isinstance(value.get("stdout"), str) else value
        parts.append(f"# {printable(key)}\n" + (text if isinstance(text, str) else _json(text)).rstrip("\n") + "\n")
    return "\n".join(parts)


def _json(value: object) -> str:
    return json_text(value, 2) + "\n"
