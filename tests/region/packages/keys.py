"""OpenPGP keys of the stand-in packages, made once for each user by gpg and kept with the region's certificates."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.region.certificates import folder

DAY = 86400
# Name: (age when made in days, life in days; 0 for ever). The keyring holds those that a site would hand out.
KEYS = {"packages": (30, 0), "expired": (30, 7), "stranger": (30, 0)}
IN_KEYRING = ("packages", "expired")


def keyring() -> Path:
    """The site's keyring, ASCII-armored: what `--keyring` gets."""
    path = folder() / "keyring.asc"
    with _keys() as home:
        if not path.exists():
            path.write_bytes(_gpg(home, "--armor", "--export", *(_mail(name) for name in IN_KEYRING)))
    return path


def fingerprint(name: str = "packages") -> str:
    """A key's fingerprint."""
    with _keys() as home:
        rows = _gpg(home, "--with-colons", "--fingerprint", _mail(name)).decode().splitlines()
    return next(row.split(":")[9] for row in rows if row.startswith("fpr"))


def sign(path: Path, signature: Path, name: str = "packages", armor: bool = False) -> None:
    """Write a detached signature; that of an expired key is as old as the key's last good day."""
    signature.unlink(missing_ok=True)
    age, life = KEYS[name]
    with _keys() as home:
        # The keys may have been made by a run of another day.
        made = int((home / "private-keys-v1.d").stat().st_mtime)
        when = ("--faked-system-time", str(made - (age - life + 1) * DAY)) if life else ()
        words = (*when, *(("--armor",) if armor else ()), "--local-user", _mail(name), "--output", str(signature))
        _gpg(home, *words, "--detach-sign", str(path))


def clear_sign(path: Path, target: Path, name: str = "packages") -> None:
    """Write a file's text with its signature around it."""
    target.unlink(missing_ok=True)
    words = ("--digest-algo", "SHA512", "--local-user", _mail(name), "--output", str(target))
    with _keys() as home:
        _gpg(home, *words, "--clearsign", str(path))


def _mail(name: str) -> str:
    return f"{name}@region.example.com"


@contextmanager
def _keys() -> Iterator[Path]:
    """gpg's folder with all keys, for one process at a time: whoever is done ends the agent that all would share."""
    with (folder() / "gnupg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        home = _home()
        try:
            yield home
        finally:
            # gpg starts an agent and leaves it running: end ours.
            _rest(home)


def _home() -> Path:
    """The folder; made whole, then moved to its place."""
    home = folder() / "gnupg"
    if home.exists():
        return home
    half = folder() / f"gnupg.{time.monotonic_ns()}"
    half.mkdir(mode=0o700)
    for name, (age, life) in KEYS.items():
        made = ("--faked-system-time", str(int(time.time()) - age * DAY))
        who = f"Region test key ({name}) <{_mail(name)}>"
        _gpg(half, *made, "--quick-generate-key", who, "rsa2048", "sign", f"{life}d" if life else "never")
    _rest(half)
    return half.rename(home)


def _gpg(home: Path, *words: str) -> bytes:
    argv = (
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--no-tty",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    )
    return subprocess.run((*argv, *words), check=True, capture_output=True).stdout


def _rest(home: Path) -> None:
    subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"), capture_output=True)
