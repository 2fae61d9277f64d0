"""`anywhere explain CODE`: what a cause, a check or a rule means."""

from __future__ import annotations

import typer

from anywhere.errors import BadInput, did_you_mean

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="\b\nExamples:\n  anywhere explain\n  anywhere explain egress.blocked\n")
def explain(
    code: str = typer.Argument("", help="A cause code such as egress.blocked; without one, all are listed."),
) -> None:
    """Say what a cause means, how it was found, how to mend it, and where the rule comes from."""
    from anywhere.catalogue.causes.table import causes
    from anywhere.cli.output import write

    known = causes()
    if not code:
        width = max(map(len, known))
        write("".join(f"{row.code:<{width}}  {row.severity:<12}  {row.title}\n" for row in known.values()))
        return
    if code not in known:
        write(_rule(code, tuple(known)))
        return
    row = known[code]
    head = (f"{row.code} ({row.severity})", row.title)
    parts = (head, ("Means", row.meaning), ("Found", row.found), ("Mend", row.mend), ("Source", row.source))
    write("\n\n".join(_part(*part) for part in parts) + "\n")


def _part(head: str, text: str) -> str:
    from anywhere.report.style import fill

    return f"{head}\n" + "\n".join(f"  {line}" for line in fill(text, 98))


def _rule(code: str, known: tuple[str, ...]) -> str:
    """A check or a rule for task definitions by its id. Raises BadInput with the near misses for what is neither."""
    from anywhere.catalogue.checks import CHECK_TEXTS
    from anywhere.taskdef import RULES

    if check := CHECK_TEXTS.get(code):
        parts = ((f"{code} (check)", check.title), ("Means", check.means), ("Asked by", f"anywhere {check.asked_by}"))
        return "\n\n".join(_part(*part) for part in parts) + "\n"
    rules = {rule.id: rule for rule in RULES}
    if code not in rules:
        hint = did_you_mean(code, [*known, *CHECK_TEXTS, *rules], "`anywhere explain` lists the causes")
        raise BadInput(f"there is no cause, check or rule {code!r}: {hint}")
    rule = rules[code]
    head = (f"{rule.id} ({', '.join(rule.launch)})", rule.title)
    return "\n\n".join(_part(*part) for part in (head, ("Means", rule.meaning), ("Source", rule.source))) + "\n"
