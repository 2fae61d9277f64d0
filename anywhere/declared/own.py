"""A site's own endpoints (`--endpoint URL [--as COMPONENT]`), in the form that settings keep: `docker=https://HOST/v2/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast
from urllib.parse import urlsplit

from anywhere.declared.expect import component_named
from anywhere.errors import BadInput
from anywhere.evidence import Scheme
from anywhere.frozen import frozen

MARK, OPTION, AS = "=", "--endpoint", "--as"
DEFAULT_PORTS = {"https": 443, "http": 80, "wss": 443}


@frozen
class Own:
    """An endpoint of the site: who connects, to which URL."""

    component: str
    scheme: Scheme
    host: str
    port: int
    path: str


def join_as(args: Sequence[str]) -> list[str]:
    """Command-line words in which `--endpoint URL --as COMPONENT` is one value. Raises BadInput for an `--as` that
    follows no endpoint."""
    out: list[str] = []
    words = iter(_split(args))
    for word in words:
        if word == OPTION:
            out += [word, f"installer{MARK}{next(words, '')}"]
        elif word == AS:
            if len(out) < 2 or out[-2] != OPTION:
                raise BadInput("--as belongs behind --endpoint: --endpoint URL --as docker")
            url = out[-1].partition(MARK)[2]
            out[-1] = f"{component_named(next(words, ''))}{MARK}{url}"
        else:
            out.append(word)
    return out


def _split(args: Iterable[str]) -> Iterable[str]:
    """`--endpoint=URL` as two words."""
    for word in args:
        name, equals, value = word.partition("=")
        yield from (name, value) if equals and name in (OPTION, AS) else (word,)


def read_own(values: Iterable[str]) -> tuple[str, ...]:
    """The values as settings keep them. Raises BadInput for what is no URL of an endpoint."""
    found = []
    for value in values:
        component, mark, url = value.partition(MARK)
        parse_url(url, "--endpoint")
        found.append(f"{component}{mark}{url}")
    return tuple(dict.fromkeys(found))


def parse_own(value: str) -> Own:
    """One value of the settings."""
    component, _, url = value.partition(MARK)
    return parse_url(url, "--endpoint", component)


def parse_url(url: str, what: str, component: str = "installer", scheme: str = "https") -> Own:
    """An endpoint's URL; `scheme` is the one of a bare name. Raises BadInput, with no secret in its text."""
    text = url if "://" in url else f"{scheme}://{url}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{what}: not a URL of the form https://HOST[:PORT][/PATH]") from None
    if "@" in parts.netloc:
        raise BadInput(f"{what}: the URL holds credentials, which a check does not need")
    if parts.scheme not in DEFAULT_PORTS or not host or any(c.isspace() or ord(c) < 33 for c in text):
        raise BadInput(f"{what} must be https://HOST[:PORT][/PATH] (or http://, wss://), not {url[:80]!r}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Own(component, cast(Scheme, parts.scheme), host, port or DEFAULT_PORTS[parts.scheme], path)
