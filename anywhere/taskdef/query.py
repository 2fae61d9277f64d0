"""ECS's cluster query language: the expressions of placement constraints, read and evaluated.

Source: developer guide, "Create expressions to define container instances for Amazon ECS tasks".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from anywhere.documents.numbers import whole
from anywhere.frozen import frozen

FIELDS = frozenset(
    {"agentConnected", "agentVersion", "ec2InstanceId", "registeredAt", "runningTasksCount", "task:group"}
)
_ALIASES = {
    "equals": "==",
    "not_equals": "!=",
    "greater_than": ">",
    "greater_than_equal": ">=",
    "less_than": "<",
    "less_than_equal": "<=",
    "not_exists": "!exists",
    "not_in": "!in",
    "matches": "=~",
    "not_matches": "!~",
}
_OPERATORS = frozenset({*_ALIASES.values(), "exists", "in"})
_NEGATED = {"!=": "==", "!exists": "exists", "!in": "in", "!~": "=~"}
_TOKEN = re.compile(
    r"\s*(?:(?P<operator>==|!=|>=|<=|=~|!~|>|<|!exists\b|!in\b)|(?P<logic>&&|\|\||!|\(|\))"
    r"|(?P<set>\[[^\]]*\])|(?P<quoted>'[^']*'|\"[^\"]*\")|(?P<word>[^\s\[\]()'\"=!<>&]+))"
)
_SUBJECT = re.compile(r"attribute:[A-Za-z0-9_./\\-]+(?::[A-Za-z0-9_./-]+)*\Z")
_VALUE = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\"|((?:\[[^\]]*\]|[^\s\[\]])+))")
MOST_CHARACTERS = 2000


class QueryError(ValueError):
    """Text that is no expression of the cluster query language."""


@frozen
class Comparison:
    """One comparison: `subject` a field or `attribute:NAME`, `operator` in its symbol, the values to compare with."""

    subject: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(self.values)
        return f"{self.subject} {self.operator} {f'[{shown}]' if 'in' in self.operator else shown}".strip()


@frozen
class Query:
    """`all`, `any` or `not` of its parts."""

    kind: str
    parts: tuple[Query | Comparison, ...]


def parse(text: str) -> Query | Comparison:
    """The expression in a text. Raises QueryError, with what is wrong.

    ```
    attribute:rack == r1 and not (attribute:zone in [a, b])
    ```
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"has {len(text)} characters, at most {MOST_CHARACTERS} are allowed")
    reader = _Reader(text)
    found = reader.any()
    if reader.rest():
        raise QueryError(f"goes on after its end: {reader.rest()[:40]}")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def rest(self) -> str:
        return self.text[self.at :].strip()

    def any(self) -> Query | Comparison:
        parts = [self.all()]
        while self._logic("or", "||"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Query("any", tuple(parts))

    def all(self) -> Query | Comparison:
        parts = [self.one()]
        while self._logic("and", "&&"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Query("all", tuple(parts))

    def one(self) -> Query | Comparison:
        if self._logic("not", "!"):
            return Query("not", (self.one(),))
        if self._logic("(", "("):
            self.depth += 1
            if self.depth > 40:
                raise QueryError("nests too deeply")
            inner = self.any()
            if not self._logic(")", ")"):
                raise QueryError("lacks a closing parenthesis")
            self.depth -= 1
            return inner
        return self._test()

    def _logic(self, *words: str) -> bool:
        match = _TOKEN.match(self.text, self.at)
        found = match and (match["logic"] or match["word"] or "")
        if not match or not found or found.lower() not in words:
            return False
        self.at = match.end()
        return True

    def _test(self) -> Comparison:
        match = _TOKEN.match(self.text, self.at)
        subject = match["word"] if match else None
        if not match or not subject:
            raise QueryError(f"expects a subject at {self.rest()[:40]!r}" if self.rest() else "is not complete")
        if subject not in FIELDS and not _SUBJECT.match(subject):
            known = ", ".join(sorted(FIELDS))
            raise QueryError(f"{subject} is no subject: use attribute:NAME, {known}")
        self.at = match.end()
        operator = self._operator(subject)
        if operator in ("exists", "!exists"):
            return Comparison(subject, operator)
        values = self._set() if operator in ("in", "!in") else (self._value(),)
        return Comparison(subject, operator, values)

    def _operator(self, subject: str) -> str:
        match = _TOKEN.match(self.text, self.at)
        word = match and (match["operator"] or match["word"] or "")
        found = _ALIASES.get(word.lower(), word.lower()) if word else ""
        if not match or found not in _OPERATORS:
            raise QueryError(f"{subject} needs an operator, not {word or self.rest()[:20] or 'nothing'}")
        self.at = match.end()
        return found

    def _set(self) -> tuple[str, ...]:
        match = _TOKEN.match(self.text, self.at)
        if not match or match["set"] is None:
            raise QueryError("in and not_in need a list: [a, b]")
        self.at = match.end()
        values = tuple(part.strip().strip("'\"") for part in match["set"][1:-1].split(","))
        if "" in values:
            raise QueryError("has an empty value in a list")
        return values

    def _value(self) -> str:
        match = _VALUE.match(self.text, self.at)
        if not match:
            raise QueryError("lacks a value after its operator")
        self.at = match.end()
        word = match[3]
        if word is None:
            return match[1] if match[1] is not None else match[2]
        while word.endswith(")") and word.count(")") > word.count("("):  # it closes a group, not a part of the value
            word = word[:-1]
            self.at -= 1
        if not word:
            raise QueryError("lacks a value after its operator")
        return str(word)


def comparisons(query: Query | Comparison) -> Iterator[Comparison]:
    """All comparisons of an expression."""
    if isinstance(query, Comparison):
        yield query
    else:
        for part in query.parts:
            yield from comparisons(part)


def evaluate(query: Query | Comparison, decide: Callable[[Comparison], bool | None]) -> bool | None:
    """Whether an expression holds; None where that depends on a comparison that is not known."""
    if isinstance(query, Comparison):
        return decide(query)
    found = [evaluate(part, decide) for part in query.parts]
    if query.kind == "not":
        return None if found[0] is None else not found[0]
    decisive = query.kind == "any"
    if decisive in found:
        return decisive
    return None if None in found else not decisive


def compare(test: Comparison, values: Mapping[str, str], closed: Callable[[str], bool]) -> bool | None:
    """One comparison against attributes and fields; `closed` says whether a name that is not among them is known to be
    absent."""
    name = test.subject.removeprefix("attribute:")
    positive = _NEGATED.get(test.operator, test.operator)
    if name not in values:
        if not closed(name):
            return None
        return positive != test.operator
    held = positive == "exists" or _holds(positive, values[name], test.values)
    return held if positive == test.operator else not held


def _holds(operator: str, value: str, wanted: tuple[str, ...]) -> bool:
    if operator in ("==", "in"):
        return value in wanted
    if operator == "=~":
        try:
            return re.fullmatch(wanted[0], value) is not None
        except re.error:
            return False
    left, right = _order(value), _order(wanted[0])
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]


def _order(text: str) -> list[tuple[int, int, str]]:
    """Numbers in a text compare as numbers, the rest as text."""
    parts = ((whole(part), part) for part in re.findall(r"[0-9]+|[^0-9]+", text))
    return [(1, 0, part) if number is None else (0, number, "") for number, part in parts]


def shown(query: Query | Comparison) -> str:
    """An expression as people write it."""
    if isinstance(query, Comparison):
        return str(query)
    if query.kind == "not":
        return f"not ({shown(query.parts[0])})"
    word = " and " if query.kind == "all" else " or "
    return "(" + word.join(map(shown, query.parts)) + ")"
