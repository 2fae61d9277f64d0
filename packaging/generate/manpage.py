"""Manual pages, one a command of the first level, in the macros of man(7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from commands import Command, Option

_EXIT = (
    ("0", "ready: every finding passes, is skipped or warns"),
    ("1", "not ready: at least one failure (with --strict: or warning)"),
    ("2", "usage: bad arguments or unreadable input, with one line on standard error"),
    ("3", "could not judge"),
    ("130", "interrupted; nothing is half done"),
)


def pages(program: Command, version: str, date: str) -> Mapping[str, str]:
    """The pages by file name."""
    tops = (program, *program.commands)
    return {f"{_title(one)}.1": "\n".join(_page(one, program, version, date)) + "\n" for one in tops}


def _title(command: Command) -> str:
    return "-".join(("anywhere", *command.words))


def _page(command: Command, program: Command, version: str, date: str) -> Iterator[str]:
    yield f'.TH {_title(command).upper()} 1 {date} "anywhere {version}" "User Commands"'
    yield ".SH NAME"
    yield f"{_title(command)} \\- {_text(command.short or command.help).rstrip('.')}"
    yield ".SH SYNOPSIS"
    yield from _synopsis(command)
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help)
    yield from _options(command, "Options")
    if command is program:
        yield ".SH COMMANDS"
        for one in command.commands:
            yield from (".TP", f".BR {_title(one)} (1)", _text(one.short))
    else:
        for one in (below for below in command.walk() if below is not command):
            yield f'.SH "{" ".join(("anywhere", *one.words)).upper()}"'
            yield from _synopsis(one)
            yield from _paragraphs(one.help)
            yield from _options(one, "")
            yield from _examples(one)
    yield from _examples(command)
    yield ".SH EXIT STATUS"
    for code, meaning in _EXIT:
        yield from (".TP", f".B {code}", _text(meaning))
    yield ".SH SEE ALSO"
    others = [one for one in (program, *program.commands) if one is not command]
    yield ",\n".join(f".BR {_title(one)} (1)" for one in others).replace(",\n", " ,\n")


def _synopsis(command: Command) -> Iterator[str]:
    words = [f"\\fB{_text(' '.join(('anywhere', *command.words)))}\\fR"]
    words += ["[\\fIOPTIONS\\fR]"] if command.options else []
    words += ["\\fICOMMAND\\fR"] if command.commands else []
    yield " ".join((*words, *(f"\\fI{_text(one.upper())}\\fR" for one in command.arguments)))


def _options(command: Command, title: str) -> Iterator[str]:
    if title:
        yield f".SH {title.upper()}"
    for one in command.options:
        yield ".TP"
        yield ", ".join(f"\\fB{_text(name)}\\fR" for name in one.names) + _value(one)
        yield _text(one.help) or "."


def _value(one: Option) -> str:
    return f" \\fI{_text(one.value.strip('<>').upper())}\\fR" if one.value else ""


def _examples(command: Command) -> Iterator[str]:
    lines = [line.strip() for line in command.epilog.lstrip("\b").splitlines()]
    if lines and lines[0].rstrip(":") == "Examples":
        yield ".SH EXAMPLES" if len(command.words) < 2 else ".PP\nExamples:"
        yield from (".PP", ".nf", *(_text(line) for line in lines[1:] if line), ".fi")


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        block = paragraph.lstrip().startswith("\b")
        if block:
            yield ".nf"
        yield from (_text(line.replace("\b", "")) for line in paragraph.splitlines())
        if block:
            yield ".fi"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\u00d7", "x")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
