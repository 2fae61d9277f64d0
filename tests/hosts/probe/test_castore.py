"""CA stores that are kept for other hosts: known by what their bytes are, not by what a host says."""

from __future__ import annotations

import base64
import hashlib

from anywhere.hosts.probe.castore import Stores

GOOD = "-----BEGIN CERTIFICATE-----\ngood\n-----END CERTIFICATE-----\n"
EVIL = "-----BEGIN CERTIFICATE-----\nevil\n-----END CERTIFICATE-----\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("latin-1")).hexdigest()


def test_a_store_is_fetched_once() -> None:
    stores = Stores()
    assert stores.text(f"{digest(GOOD)}\n{GOOD}") == GOOD
    assert stores.digests() == (digest(GOOD),)
    assert stores.text(f"{digest(GOOD)}\n") == GOOD


def test_a_host_that_lies_about_the_digest_harms_itself_alone() -> None:
    stores = Stores()
    assert stores.text(f"{digest(GOOD)}\n{EVIL}") == EVIL
    assert digest(GOOD) not in stores.digests()
    assert stores.text(f"{digest(GOOD)}\n{GOOD}") == GOOD
    assert stores.text(f"{digest(GOOD)}\n") == GOOD
    assert stores.text("\n" + EVIL) == EVIL
    assert stores.text(f"{digest(GOOD)}\n{EVIL}") == EVIL
    assert stores.text(f"{digest(GOOD)}\n") == GOOD


def test_what_is_large_is_not_kept() -> None:
    stores = Stores()
    blocks = (base64.b64encode(b"%d" % n + b"x" * 750).decode() for n in range(1100))
    large = "".join(f"-----BEGIN CERTIFICATE-----\n{block}\n-----END CERTIFICATE-----\n" for block in blocks)
    assert stores.text(f"{digest(large)}\n{large}")
    assert stores.digests() == ()
