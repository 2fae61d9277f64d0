"""The text of a cause: what `anywhere explain` prints and `docs/causes.md` is made of."""

from __future__ import annotations

from anywhere.frozen import frozen


@frozen
class CauseText:
    """One cause code. `severity` is `fail`, `warn` or `fail or warn`; `meaning` what it is and what it breaks, `found`
    how it is found, `fix` what to do, `source` where the rule comes from."""

    code: str
    severity: str
    title: str
    meaning: str
    found: str
    fix: str
    source: str
