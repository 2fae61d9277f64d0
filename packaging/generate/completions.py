"""Completion for bash, zsh and fish as plain data: no program starts when Tab is pressed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from commands import Command, Option

_BASH = """\
# bash completion for anywhere(1); zsh runs it by bashcompinit
_anywhere_reply() {
    local IFS=$'\\n'
    COMPREPLY=($(compgen "$@" -- "$cur"))
}
_anywhere_files() {
    type compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null
    _anywhere_reply -f
}
_anywhere() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' word i values n=$'\\n'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$n$(_anywhere_words "$path")$n" in *"$n$word$n"*) path=${path:+$path }$word ;; esac
    done
    if values=$(_anywhere_values "$path" "$prev"); then
        case $values in
            FILE) _anywhere_files ;;
            *) _anywhere_reply -W "$values" ;;
        esac
        return
    fi
    case $cur in
        -*) _anywhere_reply -W "$(_anywhere_options "$path")" ;;
        *)
            _anywhere_reply -W "$(_anywhere_words "$path")"
            [ ${#COMPREPLY[@]} -gt 0 ] || _anywhere_files
            ;;
    esac
}
"""


def files(program: Command) -> Mapping[str, str]:
    """The completion files by name: bash, zsh, fish."""
    return {
        "anywhere.bash": "".join(_bash(program)),
        "_anywhere": _zsh(program),
        "anywhere.fish": "".join(_fish(program)),
    }


def _case(name: str, rows: Iterator[tuple[str, str]]) -> str:
    lines = "".join(f"        {pattern}) printf '%s\\n' {text} ;;\n" for pattern, text in rows if text)
    return f"{name}() {{\n    case $1 in\n{lines}    esac\n}}\n"


def _bash(program: Command) -> Iterator[str]:
    every = list(program.walk())
    yield _BASH
    yield _case("_anywhere_words", ((_path(one), " ".join(below.name for below in one.commands)) for one in every))
    yield _case("_anywhere_options", ((_path(one), " ".join(_names(one))) for one in every))
    yield '_anywhere_values() {\n    case "$1,$2" in\n'
    for one in every:
        for option in (option for option in one.options if option.value):
            pattern = "|".join(f"{_path(one)},{name}" for name in option.names)
            yield f"        {pattern}) printf '%s\\n' {shlex.join(option.choices) or 'FILE'} ;;\n"
    yield "        *) return 1 ;;\n    esac\n}\ncomplete -F _anywhere anywhere\n"


def _zsh(program: Command) -> str:
    """zsh reads the same tables: its own bashcompinit runs them."""
    head = "#compdef anywhere\nautoload -U +X bashcompinit && bashcompinit\n"
    return head + "".join(_bash(program)) + '_bash_complete -F _anywhere "$@"\n'


def _fish(program: Command) -> Iterator[str]:
    yield "# fish completion for anywhere(1)\ncomplete -c anywhere -f\n"
    for one in program.walk():
        condition = _seen(one)
        for below in one.commands:
            yield f"complete -c anywhere -n {_quoted(condition)} -a {below.name} -d {_quoted(below.short)}\n"
        for option in one.options:
            yield f"complete -c anywhere -n {_quoted(condition)} {_fish_option(option)}\n"


def _seen(command: Command) -> str:
    names = [below.name for below in command.commands]
    tests = [f"__fish_seen_subcommand_from {word}" for word in command.words]
    tests += [f"not __fish_seen_subcommand_from {' '.join(names)}"] if names else []
    return "; and ".join(tests)


def _fish_option(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    takes = (f"-x -a {_quoted(' '.join(option.choices))} " if option.choices else "-r -F ") if option.value else ""
    return f"{names} {takes}-d {_quoted(option.help.splitlines()[0] if option.help else '')}"


def _names(command: Command) -> list[str]:
    return [name for option in command.options for name in option.names]


def _path(command: Command) -> str:
    return _quoted(" ".join(command.words))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
