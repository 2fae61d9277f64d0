"""OpenPGP keys of the stand-in packages, made once for each user by gpg and kept with the region's certificates."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.region.certificates import folder

DAY = 86400
# Name: (age when made in days, life in days; 0 for ever). The keyring holds those that a site would hand out.
KEYS = {"packages": (30, 0), "expired": (30, 7), "stranger": (30, 0)}
IN_KEYRING = ("packages", "expired")


def keyring() -> Path:
    """The site's keyring, ASCII-armored: what `--keyring` gets."""
    path = folder() / "keyring.asc"
    if not path.exists():
        home = _home()
        path.write_bytes(_gpg(home, "--armor", "--export", *(_mail(name) for name in IN_KEYRING)))
        _rest(home)
    return path


def fingerprint(name: str = "packages") -> str:
    """A key's fingerprint."""
    home = _home()
    rows = _gpg(home, "--with-colons", "--fingerprint", _mail(name)).decode().splitlines()
    _rest(home)
    return next(row.split(":")[9] for row in rows if row.startswith("fpr"))


def sign(path: Path, signature: Path, name: str = "packages", armor: bool = False) -> None:
    """Write a detached signature; that of an expired key is as old as the key's last good day."""
    home = _home()
    age, life = KEYS[name]
    # The keys may have been made by a run of another day.
    made = int((home / "private-keys-v1.d").stat().st_mtime)
    when = ("--faked-system-time", str(made - (age - life + 1) * DAY)) if life else ()
    words = (*when, *(("--armor",) if armor else ()), "--local-user", _mail(name), "--output", str(signature))
    signature.unlink(missing_ok=True)
    _gpg(home, *words, "--detach-sign", str(path))
    _rest(home)


def clear_sign(path: Path, target: Path, name: str = "packages") -> None:
    """Write a file's text with its signature around it."""
    home = _home()
    target.unlink(missing_ok=True)
    _gpg(
        home, "--digest-algo", "SHA512", "--local-user", _mail(name), "--output", str(target), "--clearsign", str(path)
    )
    _rest(home)


def _mail(name: str) -> str:
    return f"{name}@region.example.com"


def _home() -> Path:
    """gpg's folder with all keys; made whole, then moved to its place."""
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
    try:
        half.rename(home)
    except OSError:
        pass  # Another run was faster: its keys are the ones.
    return home


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
    """gpg starts an agent and leaves it running: end ours."""
    subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"), capture_output=True)
