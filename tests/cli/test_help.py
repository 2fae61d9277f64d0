"""The first words of a user: help in groups, mistakes that are refused with the right command, what is explained."""

from __future__ import annotations

import re

import pytest

from anywhere.catalogue.causes.table import causes
from anywhere.catalogue.texts.commands import FIX_COMMANDS
from anywhere.catalogue.texts.sources import url_of
from anywhere.cli import VERBS, run
from anywhere.cli.helping import by_topic
from anywhere.cli.output import format_for
from tests.support.commands import refused


def said(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(list(words))
    got = capfd.readouterr()
    return code, got.out + got.err


def test_without_words_the_usual_ways_in(capfd: pytest.CaptureFixture[str]) -> None:
    code, text = said(capfd)
    assert code == 2 and text.count("  anywhere ") >= 3 and "anywhere help" in text


def test_every_command_has_a_topic(capfd: pytest.CaptureFixture[str]) -> None:
    assert "More" not in by_topic(VERBS)
    code, text = said(capfd, "help")
    assert code == 0 and all(name in text for name in ("Check:", "Change:", "Task definitions:", *VERBS))


@pytest.mark.parametrize("words", [("help", "check"), ("help", "rules", "apply")])
def test_help_of_a_command_is_its_help(words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    code, text = said(capfd, *words)
    assert code == 0 and f"anywhere {' '.join(words[1:])} [OPTIONS]" in text
    assert "\nHosts:\n" in text and "<str>" not in text and "STR" not in text


GROUPS = {
    "rules": ("plan", "apply", "verify", "revert", "guard"),
    "proxy": ("plan", "apply", "verify", "revert"),
    "artifacts": ("fetch", "verify"),
    "activation": ("create", "show", "plan", "delete"),
    "taskdef": ("check", "fit", "convert", "explain-mode", "density"),
    "report": ("merge",),
    "bundle": ("show", "diff"),
}
COMMANDS = [(verb, *more) for verb in VERBS for more in [(name,) for name in GROUPS.get(verb, ())] or [()]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_names_values_and_defaults_once(words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    code, text = said(capfd, *words, "--help")
    assert code == 0 and text.startswith(f"Usage: anywhere {' '.join(words)}")
    flat = " ".join(text.split())
    assert not re.search(r"<\w+>|\{\w|(--[\w-]+) / --no-(?!reach)", flat), text
    assert not re.search(r"Default: [^[-]{1,40}\[default", flat), text
    assert all(len(line) <= 80 for line in text.partition("Example")[0].splitlines())


@pytest.mark.parametrize("words", [(), *((name,) for name in GROUPS)], ids=" ".join)
def test_no_summary_of_a_command_is_cut(words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert not re.search(r"\.\.\.$", said(capfd, *words, "--help")[1].partition("Commands:")[2], re.M)


def test_every_command_of_a_fix_can_be_told_from_its_sentence() -> None:
    """What is in backticks is typed as this program was started, and is tried against the command line."""
    named = re.compile(rf"\b(?:anywhere (?:{'|'.join(VERBS)})\b|aws [a-z]+ [a-z]+-[a-z-]+ --)")
    bare = [code for code, text in causes().items() if named.search(re.sub(r"`[^`]*`", "", text.fix))]
    assert bare == []


def test_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert said(capfd, "-V") == said(capfd, "--version") and said(capfd, "-V")[1].startswith("anywhere ")


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("check", "us-east-1"), "anywhere check --region us-east-1"),
        (("check", "EU-WEST-1"), "anywhere check --region eu-west-1"),
        (("check", "help"), "anywhere check --help"),
        (("check", "network"), "anywhere check --only network"),
        (("chek",), "did you mean check?"),
        (("check", "--no-colr"), "did you mean --no-color?"),
        (("check", "-v", "-q"), "--verbose and --quiet"),
    ],
)
def test_a_mistake_is_refused_with_the_right_command(
    words: tuple[str, ...], right: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capfd, *words)
    assert code == 2 and right in text and text.count("\n") == 1


@pytest.mark.parametrize("option", ["--zzz", "--persist", "--verify-all"])
def test_a_hint_is_never_nonsense(option: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert "did you mean" not in said(capfd, "check", option)[1]


@pytest.mark.parametrize(
    "code", ["egress.blocked", "EGRESS.BLOCKED", "network.ipv6", "network", "tls", "taskdef.memory"]
)
def test_what_is_explained(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, text = said(capfd, "explain", code)
    assert status == 0 and len(text.splitlines()) > 4


@pytest.mark.parametrize("code", sorted(causes()))
def test_every_cause_has_a_page(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    url = url_of(causes()[code].source)
    assert url.startswith("https://") and " " not in url
    assert url in said(capfd, "explain", code)[1]


def test_the_format_follows_the_name_of_the_file() -> None:
    assert [format_for("", name) for name in ("", "x.html", "a.b/x.json", "x.md", "x.txt")] == [
        *("table", "html", "json", "markdown", "table")
    ]
    assert format_for("tap", "x.html") == "tap"


FILLED = {
    "REGION": "us-east-1",
    "http://HOST:PORT": "http://proxy.example.com:3128",
    "CLUSTER": "prod",
    "NAME": "Corp CA",
}


@pytest.mark.parametrize("code", FIX_COMMANDS)
def test_the_commands_of_an_explanation_are_taken(code: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert code in causes()
    for line in FIX_COMMANDS[code]:
        assert refused([FILLED.get(word, word) for word in line.split()]) == ""
    text = said(capfd, "explain", code)[1]
    assert f"  $ {FIX_COMMANDS[code][0].split()[0]}" in text and "\nDocumentation\n  https://" in text
