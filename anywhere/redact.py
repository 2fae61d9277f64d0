"""What no bundle, report or log may hold. Applied when an observation is recorded and again when a report is made.

A redacted text keeps its form: JSON stays JSON, a settings file keeps its lines and names. So a bundle replays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from anywhere.held import hide

MASK = "***"

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_SECRET = (
    r"secret_?access_?key|secret_?key|access_?key_?id|session_?token|security[-_]?token|authorization_?token|"
    r"identity_?token|private_?key|activation_?(?:code|id)|pass(?:word|phrase)|_pass(?![a-z])|(?<!/)passwd|client_?secret|api_?key|auth_?token"
)
_PROXY = r"(?:https?|all|ftp)[_-]proxy"
# A separator never reaches into the next line: an empty value must not cost the following one.
_GAP = r"[^\S\n]*+"


def _masked(match: re.Match[str]) -> str:
    """The value's own quotation marks stay."""
    quote = next((mark for mark in ('\\"', '"', "'") if match["value"].startswith(mark)), "")
    return f"{match['name']}{quote}{MASK}{quote}"


_RULES: tuple[Rule, ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), MASK),
    # A line `NAME=value` of a settings file: all of the line is the value.
    (
        re.compile(
            rf"^(?P<name>{_GAP}#?{_GAP}(?:export[^\S\n]+)?\w*(?:{_SECRET}|engine_auth_data){_GAP}={_GAP})(?![\"'\s])[^\n]+",
            re.I | re.M,
        ),
        rf"\g<name>{MASK}",
    ),
    (
        re.compile(
            rf"(?P<name>(?:{_SECRET}|engine_auth_data|[\"']auth)\\?[\"']?{_GAP}(?:[=:]|\s-){_GAP})"
            # Quoted, quoted within quotes, or bare: then a quotation mark ends it only at the end of a word.
            r"(?P<value>\\\"(?:(?!\\\").)*\\\"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|"
            r"(?!\*\*\*)[^\s,;&}\"']+(?:[\"'](?![\s,;&}\]:]|\Z)[^\s,;&}\"']*)*)",
            re.I,
        ),
        _masked,
    ),
    (
        # Of the agent's and the installer's command lines, also as a list of quoted words.
        re.compile(
            r"((?:^|(?<=[\s\"']))-{1,2}(?:code|id|activation-code|activation-id|password)(?:[= ]+\\?[\"']?|[\"'],\s*[\"']))"
            r"(?!\*\*\*|\\)[^\s\"'\\]+",
            re.M,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b"), MASK),
    (re.compile(r"((?:proxy-)?authorization[^\S\n]*:[^\S\n]*)[^\r\n\"]+", re.I), rf"\1{MASK}"),
    (re.compile(r"(\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.I), rf"\1{MASK}"),
    # A proxy variable: everything before the last @ is its user part, whatever a password holds. As a line of its own,
    # in quotation marks, and bare among others.
    (
        re.compile(
            rf"^({_GAP}(?:export[^\S\n]+)?{_PROXY}{_GAP}={_GAP}[\"']?)(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY}|\s\#)[^\n])+@",
            re.I | re.M,
        ),
        rf"\1\2{MASK}@",
    ),
    (re.compile(rf"([\"']{_PROXY}=)(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\"'\n])+@", re.I), rf"\1\2{MASK}@"),
    (
        re.compile(rf"({_PROXY}[\"']?{_GAP}[=:]{_GAP}[\"'])(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\"'\n])+@", re.I),
        rf"\1\2{MASK}@",
    ),
    (re.compile(rf"({_PROXY}{_GAP}[=:]{_GAP})(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\s\"'])+@", re.I), rf"\1\2{MASK}@"),
    # The user part of any other URL.
    (re.compile(r"://(?!\*\*\*@)[^\s/\"'<>]+@"), f"://{MASK}@"),
)

# Keys whose whole value is a secret wherever a mapping carries them, and those that hold a proxy's URL.
SECRET_KEYS = re.compile(rf"secret(?!s)|{_SECRET}|engine_auth_data|authorization|\Aauth\Z", re.I)
PROXY_KEYS = re.compile(r"(?:\A|https?|all|ftp)[_-]?proxy\Z", re.I)
_LEAD = re.compile(r"\s*[\"']?(?:\w+://)?")


# What a text must hold, in lower case, for a rule to find anything in it; most texts hold none of it, and looking for
# a word is a hundred times faster than a rule. In the order of the rules.
_WORDS = ("secret", "key", "token", "pass", "activation", "auth")
_HINTS: tuple[tuple[str, ...], ...] = (
    *(("private key",), _WORDS, _WORDS, ("-code", "-id", "-activation", "-password"), ("akia", "asia", "aida", "aroa")),
    *(("authorization",), ("x-amz-",), ("proxy",), ("proxy",), ("proxy",), ("proxy",), ("://",)),
)
_HINTED = tuple(zip(_RULES, _HINTS, strict=True))


def redact(text: str) -> str:
    """The text without credentials. Applying it twice changes nothing more."""
    folded = text.casefold()
    for (pattern, replacement), hints in _HINTED:
        if any(hint in folded for hint in hints):
            text = pattern.sub(replacement, text)
    return hide(text)


def redact_proxy(url: str) -> str:
    """A proxy's URL, known to be one, without its user part: everything before the last @, whatever is wrong with it."""
    lead = _LEAD.match(url)
    start = lead.end() if lead else 0
    before, at, after = url[start:].rpartition("@")
    return f"{url[:start]}{MASK}@{after}" if at and before != MASK else url


def redact_value(value: object, key: str = "") -> object:
    """The same for a JSON-like value, at any depth."""
    if isinstance(value, str):
        if SECRET_KEYS.search(key):
            return MASK if value else value
        return redact(redact_proxy(value) if PROXY_KEYS.search(key) else value)
    if isinstance(value, dict):
        return {name: redact_value(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(item, key) for item in value]
    return value
