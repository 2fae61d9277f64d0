"""Secrets that this run was given (the password of sudo, of a proxy, an activation code): found in whatever is said.

A host may say them back, in any form that a program gives a text. Where text leaves this program, it is searched for all.
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
SHORT = 4  # characters: a shorter one is masked only where it stands alone, or every word would hold it
_held: tuple[str, ...] = ()
_lock = threading.Lock()


def hold(secret: str) -> None:
    """From now on this text appears nowhere. Nothing to do for an empty one."""
    global _held
    with _lock:
        if secret.strip() and secret not in _held:
            _held = (*_held, secret)


def forget() -> None:
    """Hold nothing any more: for a process that goes on with another run."""
    global _held
    with _lock:
        _held = ()


def hide(text: str) -> str:
    """The text with every secret masked, as it is and as programs quote it."""
    return _pattern(_held).sub(MASK, text) if _held else text


@lru_cache(maxsize=8)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    forms = {form for secret in secrets for form in _forms(secret)}
    return re.compile("|".join(map(_whole, sorted(forms, key=lambda form: (-len(form), form)))))


def _whole(form: str) -> str:
    found = re.escape(form)
    return found if len(form) >= SHORT else rf"(?<!\w){found}(?!\w)"


def _forms(secret: str) -> set[str]:
    """Quoted for a URL, JSON (also within JSON), a shell, a page; base64 of it and of `user:secret` cannot be distinguished
    from other base64, but for what is the same in all of them."""
    data = secret.encode("utf-8", "surrogateescape")
    in_json = json.dumps(secret)[1:-1]
    forms = {secret, in_json, json.dumps(in_json)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {quote(data, safe=""), quote(data), quote_plus(data), html.escape(secret), repr(secret)[1:-1]}
    forms |= {shlex.quote(secret).strip("'"), data.hex(), *_base64(data)}
    return {form for form in forms if form}


def _base64(data: bytes) -> set[str]:
    """The middle of its base64 at each of the three places where it may begin; only of what is long enough to be recognized."""
    if len(data) < 6:
        return {base64.b64encode(data).decode()}
    found = set()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data).decode()
        start = -(-shift * 8 // 6)
        found.add(text[start : (shift + len(data)) * 8 // 6])
    return found
