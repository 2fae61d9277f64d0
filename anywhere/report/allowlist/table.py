"""The endpoint list as a page for people: what a network team reads, signs and files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from string import ascii_uppercase

from anywhere.report.allowlist.sheet import Rule, Sheet, heading
from anywhere.report.style import Style

WIDE = 120  # columns; below that a host and its purpose do not fit beside each other
STAR = "* stands for letters, digits and hyphens, never for a dot."
TITLES = ("Host", "Who connects", "When", "Needed", "Why", "Source")
GAP = "   "
LEAST = 12  # columns of the purpose, whatever the others take


def table(sheet: Sheet, *, width: int = 160, colour: bool = False) -> str:
    """One row a rule, the core first, then feature by feature; notes and sources at the foot. `width` is in columns."""
    return "".join(f"{line.rstrip()}\n" for line in _page(sheet, Style(colour, width)))


def _page(sheet: Sheet, style: Style) -> Iterator[str]:
    title, *scope = heading(sheet)
    yield from map(style.bold, _wrap(title, style.width))
    for text in (*scope, STAR):
        yield from _wrap(text, style.width)
    yield ""
    notes, sources = _numbered(rule.note for rule in sheet.rules), _lettered(rule.source for rule in sheet.rules)
    yield from (_grid if style.width >= WIDE else _stack)(sheet, notes, sources, style)
    for name, marks in (("Notes", notes), ("Sources", sources)):
        if marks:
            yield from ("", style.bold(name))
        for text, mark in marks.items():
            yield from (f" {line}" for line in _wrap(f"{mark:3} {text}", style.width - 3, indent="    "))


def _grid(sheet: Sheet, notes: dict[str, str], sources: dict[str, str], style: Style) -> Iterator[str]:
    widths = _widths(sheet.rules, style.width)
    yield _line([style.bold(f"{title:{width}}") for title, width in zip(TITLES, widths)])
    yield "─" * style.width
    for number, (feature, rules) in enumerate(groupby(sheet.rules, key=lambda rule: rule.feature)):
        yield from [""] * (number > 0)
        yield f" {style.paint('cyan')(_section(feature))}"
        for rule in rules:
            yield from _row(rule, _mark(rule, notes), sources[rule.source], widths, style)


def _widths(rules: Sequence[Rule], width: int) -> list[int]:
    """Names stay whole where two fifths of the page hold them; the purpose takes what is left."""
    cells = [TITLES, *((rule.pattern, rule.component, _when(rule), rule.needed, "", "") for rule in rules)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    widths[0] = min(widths[0], width * 2 // 5)
    widths[4] = 0
    widths[4] = max(LEAST, width - sum(widths) - len(GAP) * (len(TITLES) - 1) - 2)
    return widths


def _row(rule: Rule, mark: str, source: str, widths: list[int], style: Style) -> Iterator[str]:
    names = _wrap(rule.pattern, widths[0])
    *whys, last = (f"{why:{widths[4]}}" for why in _wrap(rule.purpose + mark, widths[4]))
    whys.append(last.replace(mark.strip(), style.dim(mark.strip())) if mark else last)
    first = (rule.component, _when(rule), rule.needed, source.center(widths[5]))
    for number, (name, why) in enumerate(zip_longest(names, whys, fillvalue="")):
        who, when, needed, letter = first if number == 0 else ("",) * 4
        cells = [
            style.bold(f"{name:{widths[0]}}"),
            f"{who:{widths[1]}}",
            f"{when:{widths[2]}}",
            f"{needed:{widths[3]}}",
        ]
        yield _line([*cells, why or " " * widths[4], letter])


def _line(cells: Sequence[str]) -> str:
    return f" {GAP.join(cells)}"


def _when(rule: Rule) -> str:
    return ", ".join(rule.phases)


def _stack(sheet: Sheet, notes: dict[str, str], sources: dict[str, str], style: Style) -> Iterator[str]:
    for number, (feature, rules) in enumerate(groupby(sheet.rules, key=lambda rule: rule.feature)):
        yield from [""] * (number > 0)
        yield style.paint("cyan")(_section(feature))
        for rule in rules:
            yield from map(style.bold, _wrap(f"  {rule.pattern}", style.width))
            about = f"{rule.who}: {rule.why}{_mark(rule, notes)} ({sources[rule.source]})"
            yield from (f"      {line}" for line in _wrap(about, style.width - 8))


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Lines of at most `width`; only a word that is longer than a line is cut, and nothing of it is lost."""
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line[at : at + width] for line in lines for at in range(0, len(line), width)]


def _section(feature: str) -> str:
    return f"with {feature}" if feature else "core: every instance"


def _mark(rule: Rule, notes: dict[str, str]) -> str:
    return f" {notes[rule.note]}" if rule.note else ""


def _numbered(texts: Iterable[str]) -> dict[str, str]:
    return {text: f"[{n}]" for n, text in enumerate(dict.fromkeys(filter(None, texts)), 1)}


def _lettered(texts: Iterable[str]) -> dict[str, str]:
    return dict(zip(dict.fromkeys(texts), ascii_uppercase))
