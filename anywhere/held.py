"""Secrets that this run was given (sudo or proxy password, activation code): masked in everything that is printed.

A host may print them again, in any encoding that programs use. All text is searched where it leaves this program.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import threading
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
SHORT = 4  # characters: a shorter secret is masked only as a separate word, since many words contain it
_held: tuple[str, ...] = ()
_lock = threading.Lock()


def hold(secret: str) -> None:
    """Mask this text everywhere from now on. An empty one is ignored."""
    global _held
    with _lock:
        if secret.strip() and secret not in _held:
            _held = (*_held, secret)


def forget() -> None:
    """Forget all secrets: for a process that starts another run."""
    global _held
    with _lock:
        _held = ()


def hide(text: str) -> str:
    """The text with every secret masked, in plain form and as programs encode it."""
    return _pattern(_held).sub(MASK, text) if _held else text


@lru_cache(maxsize=8)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    forms = {form for secret in secrets for form in _forms(secret)}
    return re.compile("|".join(map(_whole, sorted(forms, key=lambda form: (-len(form), form)))))


def _whole(form: str) -> str:
    found = re.escape(form)
    return found if len(form) >= SHORT else rf"(?<!\w){found}(?!\w)"


def _forms(secret: str) -> set[str]:
    """The secret as it is, and encoded for a URL, JSON (also within JSON), a shell, HTML, hex and base64."""
    data = secret.encode("utf-8", "surrogateescape")
    in_json = json.dumps(secret)[1:-1]
    forms = {secret, in_json, json.dumps(in_json)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {quote(data, safe=""), quote(data), quote_plus(data), html.escape(secret), repr(secret)[1:-1]}
    forms |= {shlex.quote(secret).strip("'"), data.hex(), *_base64(data)}
    return {form for form in forms if form}


def _base64(data: bytes) -> set[str]:
    """Its base64, and that within a longer text such as `user:secret`: the part that stays the same, for each of the three
    alignments. Short secrets only as a complete text, since that part would match too much."""
    found = {base64.b64encode(data).decode()}
    for shift in range(3) if len(data) >= 6 else ():
        text = base64.b64encode(b"\0" * shift + data).decode()
        start = -(-shift * 8 // 6)
        found.add(text[start : (shift + len(data)) * 8 // 6])
    return found
