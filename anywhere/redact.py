"""What no bundle, report or log may hold. Applied when an observation is recorded and again when a report is made.

A redacted text keeps its form: JSON stays JSON, a settings file keeps its lines and names. So a bundle replays. What a
report needs to be read stays too: digests, ARNs, instance ids, versions, addresses, paths of secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from anywhere.frozen import frozen
from anywhere.held import hide

MASK = "***"
KEPT, LONGEST = 4096, 512  # texts, and characters of one: a longer one is looked at each time

# Names whose value is a secret however it is written: of AWS, ECS and SSM, Docker's log drivers and registries, databases.
# What only says where a secret lies (`..._FILE`, `secrets`, an ARN) is none.
_SECRET = (
    r"secret_?access_?key|access_?key_?id|(?:session|security|authorization|identity|auth)[-_]?token|"
    r"activation_?(?:code|id)|pass(?:word|phrase|code)|_pass(?![a-z])|(?<!/)(?<!no)passwd|[-_]pwd(?![a-z])|client_?secret|"
    r"(?:secret|private|api|shared|account|access|license|signing|encryption|master|app)[-_]?key"
    r"(?![a-z]|[-_]?(?:id|path|file|type))|set-cookie|_auth(?![a-z])"
)
# Names that are a secret's only where the value is attached to them, and words of a sentence elsewhere.
_WEAK = r"(?<!:)(?:token|secret|jwt|credential)(?![a-z])"
_ANY = rf"(?:{_SECRET}|{_WEAK})"
_TOLD = (
    r"(?:token|secret|pass(?:word|wd|phrase)|(?:api|access|secret|private|license)[-_ ]?key|bearer|basic|credentials?|"
    r"(?:activation|auth|access)[-_ ]code|jwt)"
)
_PROXY = r"(?:https?|all|ftp)[_-]proxy"
# A separator never reaches into the next line: an empty value must not cost the following one.
_GAP = r"[^\S\n]*+"
# Quoted, quoted within quotes, or bare: then a quotation mark ends it only at the end of a word.
_VALUE = (
    r"(?P<value>\\\"(?:(?!\\\").)*\\\"|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|"
    r"(?!\*\*\*)[^\s,;&}\"']+(?:[\"'](?![\s,;&}\]:]|\Z)[^\s,;&}\"']*)*)"
)
# No secret behind its name: a mask, a structure, nothing, or where it lies.
_NOT = r"(?!\*\*\*|[\"']?(?:arn:aws|\*\*\*)|[\[{]|(?:null|true|false)\b|[\"']{2})"
# Beside a telling word these are no secrets: places, names, identifiers, digests, moments, versions, words.
_ORDINARY = re.compile(
    r"arn:|sha\d+:|https?://|[./~]|(?:mi|i|ami|sg|vpc|subnet|eni)-[0-9a-f]+\b|\d{4}-\d\d-\d\d|v?\d+(?:\.\d+)+|"
    r"(?:[A-Za-z0-9-]+\.)+[a-z]{2,}(?::\d+)?[,.;:]?\Z|[A-Za-z][\w.-]*[=:][^=]|"
    r"(?:[A-Za-z]{1,15}|(?:[A-Z]?[a-z]{2,})+)(?:\(\d*\))?[,.;:]?\Z|[A-Z]\w{2,40}(?:Error|Exception)[,.;:]?\Z"
)
# A token that is known by its form (JWT; of code hosts, chats and registries; of AWS's STS).
_FORM = (
    r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|dckr_pat_|npm_|hvs\.|dop_v1_|sk_live_|SG\.|AIza)[A-Za-z0-9_.-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}(?:[.][A-Za-z0-9_-]*){0,2}|\b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{20,}"
)
_IN_URL = r"(/v2/credentials/|hooks\.slack\.com/services/|/receiver/v1/http/|[?&](?:sig|signature|key|code|id)=)"


def _masked(match: re.Match[str]) -> str:
    """The value's own quotation marks stay; a bare value of JSON gets some."""
    value = match["value"]
    quote = next((mark for mark in ('\\"', '"', "'") if value.startswith(mark)), "")
    quote = quote or ('"' if re.search(r"(?<!\\)\"\s*:\s*\Z", match["name"]) else "")
    return f"{match['name']}{quote}{MASK}{quote}"


def _masked_word(match: re.Match[str]) -> str:
    """A word of a sentence, where it is no ordinary one."""
    return match[0] if _ORDINARY.match(match["value"]) else f"{match['name']}{MASK}"


@frozen
class _Rule:
    """What is replaced, and the words of which a text must hold one, in lower case, for the rule to find anything: most
    texts hold none, and looking for a word is a hundred times faster."""

    hints: frozenset[str]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]


def _rule(hints: str, pattern: str, replacement: str | Callable[[re.Match[str]], str], flags: int = 0) -> _Rule:
    return _Rule(frozenset(hints.split("|")), re.compile(pattern, flags), replacement)


_WORDS = "secret|key|token|pass|activation|auth|pwd|cookie|credential|jwt"
_RULES: tuple[_Rule, ...] = (
    _rule("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK, re.S),
    # A line `NAME=value` of a settings file: all of the line is the value.
    _rule(
        _WORDS,
        rf"^(?P<name>{_GAP}#?{_GAP}(?:export[^\S\n]+)?\w*(?:{_SECRET}|engine_auth_data){_GAP}={_GAP})(?![\"'\s])[^\n]+",
        rf"\g<name>{MASK}",
        re.I | re.M,
    ),
    _rule(
        _WORDS,
        rf"(?P<name>(?:{_SECRET}|engine_auth_data|[\"']auth)\\?[\"']?{_GAP}(?:[=:]|\s-){_GAP})(?!null\b){_VALUE}",
        _masked,
        re.I,
    ),
    # The weak names: with `=` or a colon and no space, quoted, or as a line of YAML.
    _rule(_WORDS, rf"(?P<name>{_WEAK}\\?[\"']?(?:{_GAP}={_GAP}|:)){_NOT}{_VALUE}", _masked, re.I),
    _rule(_WORDS, rf"(?P<name>{_WEAK}\\?[\"']?{_GAP}:{_GAP})(?=\\?[\"']){_NOT}{_VALUE}", _masked, re.I),
    _rule(
        _WORDS,
        rf"^(?P<name>{_GAP}#?{_GAP}(?:-{_GAP})?[\w.-]*{_WEAK}{_GAP}:[^\S\n]+){_NOT}(?P<value>\S+)(?=[^\S\n]*$)",
        _masked,
        re.I | re.M,
    ),
    # A name and a value as two members of one object, as task definitions and Docker have their environment.
    _rule(
        _WORDS,
        rf"(?P<name>\\?\"(?:name|key)\\?\"\s*:\s*\\?\"[^\"\\]*{_ANY}\\?\"\s*,\s*\\?\"value\\?\"\s*:\s*){_NOT}{_VALUE}",
        _masked,
        re.I,
    ),
    # Options of a command line, also as a list of quoted words, and `user:password` behind them.
    _rule(
        f"{_WORDS}",
        rf"(?P<name>(?:^|(?<=[\s\"']))--?[\w-]*(?:{_ANY}|pass)(?:[^\S\n]+|[\"'],{_GAP}(?=[\"'])))(?!-){_NOT}{_VALUE}",
        _masked,
        re.I | re.M,
    ),
    _rule(
        "-u|user",
        r"((?:^|(?<=\s))(?:-u|--(?:proxy-)?user)[= ][\"']?[^\s:\"']+:)(?!\*\*\*)[^\s\"']+",
        rf"\1{MASK}",
        re.M,
    ),
    # In a sentence or a log line: a word that is no ordinary one, behind a telling word.
    _rule(
        f"{_WORDS}|bearer|basic|code",
        rf"(?P<name>(?<![a-z]){_TOLD}[\"']?(?:{_GAP}(?:is|was|of|value|set{_GAP}to|to|=|:))*[^\S\n]+[\"'(<]?)"
        r"(?!\*\*\*|realm=)(?P<value>(?=[^\s]*[0-9+/=])[^\s\"'<>,;)]{6,})",
        _masked_word,
        re.I,
    ),
    _rule(
        _WORDS,
        r"(?P<name>\b[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|SECRET_KEY)[^\S\n]+[\"']?)"
        r"(?!\*\*\*)(?P<value>[^\s\"',;=:]{6,})",
        _masked_word,
    ),
    _rule("gh|glpat-|xox|dckr_|npm_|hvs.|dop_|sk_live|sg.|aiza|eyj|iqoj|fwog|fqog", _FORM, MASK),
    _rule("/credentials/|hooks.slack|/receiver/|sig|key=|code=|id=", rf"{_IN_URL}(?!\*\*\*)[^\s\"'&<>]+", rf"\1{MASK}"),
    # Of the agent's and the installer's command lines, also as a list of quoted words.
    _rule(
        "-code|-id|-activation|-password",
        r"((?:^|(?<=[\s\"']))-{1,2}(?:code|id|activation-code|activation-id|password)(?:[= ]++\\?[\"']?|[\"'],\s*[\"']))"
        r"(?!\*\*\*|\\)[^\s\"'\\]+",
        rf"\1{MASK}",
        re.M,
    ),
    _rule("akia|asia|aida|aroa", r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b", MASK),
    _rule("authorization", r"((?:proxy-)?authorization[^\S\n]*:[^\S\n]*)[^\r\n\"]+", rf"\1{MASK}", re.I),
    _rule("x-amz-", r"(\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", rf"\1{MASK}", re.I),
    # A proxy variable: everything before the last @ is its user part, whatever a password holds. As a line of its own,
    # in quotation marks, and bare among others.
    _rule(
        "proxy",
        rf"^({_GAP}(?:export[^\S\n]+)?{_PROXY}{_GAP}={_GAP}[\"']?+)(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY}|\s\#)[^\n])+@",
        rf"\1\2{MASK}@",
        re.I | re.M,
    ),
    _rule("proxy", rf"([\"']{_PROXY}=)(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\"'\n])+@", rf"\1\2{MASK}@", re.I),
    _rule(
        "proxy",
        rf"({_PROXY}[\"']?{_GAP}[=:]{_GAP}[\"'])(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\"'\n])+@",
        rf"\1\2{MASK}@",
        re.I,
    ),
    _rule(
        "proxy",
        rf"({_PROXY}{_GAP}[=:]{_GAP})(?!//)(\w+://)?+(?!\*\*\*@)(?:(?!{_PROXY})[^\s\"'])+@",
        rf"\1\2{MASK}@",
        re.I,
    ),
    # The user part of any other URL; a password with a slash in it is none for a port and a path.
    _rule("://", r"://(?!\*\*\*@)(?:[^\s/\"'<>]+|[^\s/:@\"'<>]+:(?!\d{1,5}[/?#])[^\s@\"'<>]{1,128})@", f"://{MASK}@"),
)

_HINTS = frozenset().union(*(rule.hints for rule in _RULES))

# Keys whose whole value is a secret wherever a mapping carries them, and those that hold a proxy's URL.
SECRET_KEYS = re.compile(
    rf"secret(?![a-z])|token(?![a-z]|[-_]?(?:file|type|ttl))|{_SECRET}|engine_auth_data|authorization|\Aauth\Z", re.I
)
PROXY_KEYS = re.compile(r"(?:\A|https?|all|ftp)[_-]?proxy\Z", re.I)
_LEAD = re.compile(r"\s*[\"']?(?:\w+://)?")


def redact(text: str) -> str:
    """The text without credentials. Applying it twice changes nothing more."""
    return hide(_by_rules(text) if len(text) > LONGEST else _kept(text))


def _by_rules(text: str) -> str:
    folded = text.casefold()
    held = {hint for hint in _HINTS if hint in folded}
    for rule in _RULES if held else ():
        if not held.isdisjoint(rule.hints):
            text = rule.pattern.sub(rule.replacement, text)
    return text


# Hosts of a fleet say the same in most of their words.
_kept = lru_cache(KEPT)(_by_rules)


def redact_proxy(url: str) -> str:
    """A proxy's URL, known to be one, without its user part: everything before the last @, whatever is wrong with it."""
    lead = _LEAD.match(url)
    start = lead.end() if lead else 0
    before, at, after = url[start:].rpartition("@")
    return f"{url[:start]}{MASK}@{after}" if at and before != MASK else url


def without_user(url: str) -> str:
    """A proxy's URL without its user part, masked or not."""
    lead, mark, rest = url.partition("://")
    return f"{lead}{mark}{rest.rpartition('@')[2]}" if mark else url.rpartition("@")[2]


def redact_value(value: object, key: str = "") -> object:
    """The same for a JSON-like value, at any depth. `{"name": "X_TOKEN", "value": ...}` counts as a member X_TOKEN."""
    if isinstance(value, str):
        if SECRET_KEYS.search(key):
            return MASK if value else value
        return redact(redact_proxy(value) if PROXY_KEYS.search(key) else value)
    if isinstance(value, dict):
        named = [str(value.get(word, "")) for word in ("name", "Name", "key", "Key")]
        secret_name = next((name for name in named if SECRET_KEYS.search(name)), "")
        return {
            name: redact_value(item, secret_name if str(name).lower() == "value" else str(name))
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_value(item, key) for item in value]
    return value
