"""The endpoint list as a page for people: what a network team reads, signs and files."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from string import ascii_uppercase
from typing import TYPE_CHECKING, Literal

from anywhere.report.allowlist.sheet import Rule, Sheet, heading

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDE = 120  # columns; below that a host and its purpose do not fit beside each other
STAR = "* stands for letters, digits and hyphens, never for a dot."


def table(sheet: Sheet, *, width: int = 160, colour: bool = False) -> str:
    """One row a rule, the core first, then feature by feature; notes and sources at the foot. `width` is in columns."""
    from rich.console import Console

    # The caller decides on colors: TERM, NO_COLOR and FORCE_COLOR are not asked again.
    system: Literal["standard"] | None = "standard" if colour else None
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system=system, no_color=not colour, highlight=False,
        emoji=False, _environ={},
    )  # fmt: skip
    with console.capture() as captured:
        for part in _page(sheet, width):
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _page(sheet: Sheet, width: int) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    title, *scope = heading(sheet)
    yield Text(title, style="bold")
    yield from (Text(line) for line in (*scope, STAR))
    yield Text()
    notes, sources = _numbered(rule.note for rule in sheet.rules), _lettered(rule.source for rule in sheet.rules)
    yield _grid(sheet, notes, sources, width) if width >= WIDE else _stack(sheet, notes, sources, width)
    for name, marks in (("Notes", notes), ("Sources", sources)):
        if marks:
            yield Text(f"\n{name}", style="bold")
        for text, mark in marks.items():
            yield Padding(
                Text(textwrap.fill(f"{mark:3} {text}", width - 3, subsequent_indent="    ", break_on_hyphens=False)),
                (0, 0, 0, 1),
            )


def _grid(sheet: Sheet, notes: dict[str, str], sources: dict[str, str], width: int) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
    grid.add_column("Host", overflow="fold", max_width=width * 2 // 5)
    for title in ("Who connects", "When", "Needed"):
        grid.add_column(title, no_wrap=True)
    grid.add_column("Why", ratio=1, min_width=30)
    grid.add_column("Source", justify="center", no_wrap=True)
    for feature, rules in groupby(sheet.rules, key=lambda rule: rule.feature):
        grid.add_section()
        grid.add_row(Text(_section(feature), style="cyan"))
        for rule in rules:
            why = Text(rule.purpose).append(_mark(rule, notes), style="dim")
            host, when = Text(rule.pattern, style="bold"), ", ".join(rule.phases)
            grid.add_row(host, rule.component, when, rule.needed, why, sources[rule.source])
    return grid


def _stack(sheet: Sheet, notes: dict[str, str], sources: dict[str, str], width: int) -> RenderableType:
    from rich.text import Text

    page = Text()
    for feature, rules in groupby(sheet.rules, key=lambda rule: rule.feature):
        page.append(f"{_section(feature)}\n", style="cyan")
        for rule in rules:
            page.append(f"  {rule.pattern}\n", style="bold")
            about = f"{rule.who}: {rule.why}{_mark(rule, notes)} ({sources[rule.source]})"
            page.append(textwrap.indent(textwrap.fill(about, width - 8, break_on_hyphens=False), "      ") + "\n")
        page.append("\n")
    page.rstrip()
    return page


def _section(feature: str) -> str:
    return f"with {feature}" if feature else "core: every instance"


def _mark(rule: Rule, notes: dict[str, str]) -> str:
    return f" {notes[rule.note]}" if rule.note else ""


def _numbered(texts: Iterable[str]) -> dict[str, str]:
    return {text: f"[{n}]" for n, text in enumerate(dict.fromkeys(filter(None, texts)), 1)}


def _lettered(texts: Iterable[str]) -> dict[str, str]:
    return dict(zip(dict.fromkeys(texts), ascii_uppercase))
