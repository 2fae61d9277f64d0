"""The rules that iptables-save prints, read without loss: what is printed again is what was read.

One line is a rule, its words keep their order, and every option keeps its negation and its values. Equality of two
rules is asked of their `signature`, which leaves out what iptables adds by itself (`-m tcp` after `-p tcp`, `/32`) and
what does not select packets (comments, counters).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from anywhere.errors import ParseError
from anywhere.frozen import frozen

OWN_PREFIX = "anywhere-rules-"

# A word is bare, or in double quotes with backslash escapes (xtables_save_string in libxtables).
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+)')
_RULE = re.compile(r"(?:\[\d+:\d+\] )?-A (\S+)(?: (.*))?$", re.S)
_CHAIN = re.compile(r":(\S+) (\S+)(?: \[(\d+):(\d+)\])?\s*$")
_ADDRESSES = {"-s", "-d", "--to-destination"}
_LISTS = {"--ctstate", "--state", "--ctstatus"}
_LONG = {
    "--source": "-s",
    "--src": "-s",
    "--destination": "-d",
    "--dst": "-d",
    "--protocol": "-p",
    "--proto": "-p",
    "--jump": "-j",
    "--goto": "-g",
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--match": "-m",
    "--destination-port": "--dport",
    "--source-port": "--sport",
}
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}


@frozen
class Option:
    """One option of a rule with its values: `! --ctstate RELATED,DNAT` is negated, its values are one string."""

    flag: str
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class Rule:
    """One `-A` line: the text as it was printed, its chain, its options in their order."""

    raw: str
    chain: str
    options: tuple[Option, ...]

    def value(self, flag: str) -> str:
        """The first value of an option that is not negated; empty when the rule has no such option."""
        return next((o.values[0] for o in self.options if o.flag == flag and o.values and not o.negated), "")

    @cached_property
    def target(self) -> str:
        """Where a matching packet goes: a verdict, a chain, or empty."""
        return self.value("-j") or self.value("-g")

    @cached_property
    def comment(self) -> str:
        """The text of the comment match."""
        return self.value("--comment")

    @property
    def text(self) -> str:
        """The rule as iptables-restore reads it, put together from its options."""
        words = [f"-A {self.chain}"]
        for option in self.options:
            words += ["!"] * option.negated + [option.flag] + [quote(value) for value in option.values]
        return " ".join(words)

    @property
    def is_ours(self) -> bool:
        """Whether the rule carries our ownership comment."""
        return self.comment.startswith(OWN_PREFIX)

    @cached_property
    def signature(self) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
        """What the rule selects and does, in an order of its own: two rules of one meaning have one signature."""
        return _signature(self.options)


@dataclass(frozen=True)
class Table:
    """One table: chains with their policies (`-` for user chains), rules in their order."""

    name: str
    policies: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]

    def policy(self, chain: str) -> str:
        """ACCEPT or DROP for a built-in chain, `-` for a user chain, empty for one that is not there."""
        return dict(self.policies).get(chain, "")

    @cached_property
    def by_chain(self) -> dict[str, tuple[Rule, ...]]:
        """The rules of each chain."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.chain, []).append(rule)
        return {chain: tuple(rules) for chain, rules in found.items()}

    def chain(self, name: str) -> tuple[Rule, ...]:
        """The rules of a chain; none when it is absent."""
        return self.by_chain.get(name, ())


@dataclass(frozen=True)
class Ruleset:
    """All tables of one family in one backend, and the text they were read from, line by line."""

    tables: tuple[Table, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The ruleset as iptables-save printed it."""
        return "".join(self.lines)

    def table(self, name: str) -> Table:
        """A table; an empty one when it is absent."""
        return next((table for table in self.tables if table.name == name), Table(name, (), ()))

    @property
    def ours(self) -> tuple[Rule, ...]:
        """Every rule that carries our ownership comment."""
        return tuple(rule for table in self.tables for rule in table.rules if rule.is_ours)


@lru_cache(maxsize=8)  # a plan, its checks and the plan after it read the same text
def parse_save(text: str) -> Ruleset:
    """Read the output of iptables-save or ip6tables-save, with or without counters. Raises ParseError.

    Comment lines are kept: iptables-nft-save says in them which tables it cannot show.
    """
    tables: list[Table] = []
    name, chains, rules = "", [], []  # type: str, list[tuple[str, str]], list[Rule]
    # Not str.splitlines: it also cuts at form feeds and other separators that a comment may hold.
    lines = tuple(re.findall(r"[^\n]*\n|[^\n]+", text))
    for number, line in enumerate(lines, 1):
        content = line.rstrip("\r\n")
        if not content.strip() or content.startswith("#"):
            continue
        if content.startswith("*") and not name:
            name, chains, rules = content[1:].strip(), [], []
        elif content.strip() == "COMMIT" and name:
            tables.append(Table(name, tuple(chains), tuple(rules)))
            name = ""
        elif name and (found := _CHAIN.match(content)):
            chains.append((found[1], found[2]))
        elif name and (rule := _rule(content, number)):
            rules.append(rule)
        else:
            raise ParseError(f"line {number} is not iptables-save output: {content[:60]!r}")
    if name:
        raise ParseError(f"table {name} is cut off: no COMMIT")
    return Ruleset(tuple(tables), lines)


def _rule(content: str, number: int) -> Rule | None:
    try:
        return _read_rule(content)
    except ParseError as error:
        raise ParseError(f"line {number} {error}") from None


@lru_cache(maxsize=1 << 14)  # a ruleset of thousands is read again after each change of a few
def _read_rule(content: str) -> Rule | None:
    found = _RULE.match(content)
    return Rule(content, found[1], _options(found[2] or "")) if found else None


def parse_rule(text: str) -> Rule:
    """A rule from the words after its table: `INPUT -p tcp -j DROP`. Raises ParseError."""
    chain, _, rest = text.partition(" ")
    return Rule(f"-A {text}", chain, _options(rest))


def quote(word: str) -> str:
    """A word as iptables-restore reads it back."""
    if word and re.fullmatch(r"[\w./:,@+=][\w./:,@+=-]*", word, re.A):
        return word
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def _options(text: str) -> tuple[Option, ...]:
    found: list[Option] = []
    flag, values, negated, negate_next = "", [], False, False  # type: str, list[str], bool, bool
    for match in _WORD.finditer(text):
        quoted, bare = match[1], match[2]
        if bare == "!":
            negate_next = True
        elif bare and bare.startswith("-") and len(bare) > 1 and not bare[1].isdigit():
            if flag:
                found.append(Option(flag, tuple(values), negated))
            flag, values, negated, negate_next = _LONG.get(bare, bare), [], negate_next, False
        elif not flag:
            raise ParseError(f"is no rule: {match[0]!r} belongs to no option")
        else:
            # `--dport ! 80` is how iptables before 1.4 wrote a negation.
            negated, negate_next = negated or negate_next, False
            values.append(bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
    if negate_next:
        raise ParseError("ends with a negation")
    return (*found, Option(flag, tuple(values), negated)) if flag else ()


def _signature(options: tuple[Option, ...]) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    protocol = next((o.values[0] for o in options if o.flag == "-p" and o.values), "")
    protocol = _NUMBERS.get(protocol, protocol)
    kept: list[tuple[str, tuple[str, ...], bool]] = []
    for option in options:
        if option.flag == "--comment" or (option.flag == "-m" and option.values in (("comment",), (protocol,))):
            continue
        kept.append((option.flag, tuple(_value(option.flag, value) for value in option.values), option.negated))
    return tuple(sorted(kept))


def _value(flag: str, value: str) -> str:
    if flag in _LISTS:
        return ",".join(sorted(value.split(",")))
    if flag == "-p":
        return _NUMBERS.get(value, value)
    if flag in _ADDRESSES:
        try:
            return str(ipaddress.ip_network(value, strict=False))
        except ValueError:
            return value
    return value
