"""Chains as Go builds and checks them, from what a server sends to a certificate of the store.

Source: Go crypto/x509 verify.go (Verify, buildChains, isValid, checkChainForKeyUsage), cert_pool.go (findPotentialParents),
crypto/tls handshake_client.go (verifyServerCertificate).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from anywhere.hosts.probe.go.x509.certificate import NEGATIVE_SERIAL, RSA, Certificate, parse, subject_of
from anywhere.hosts.probe.go.x509.constraints import permits
from anywhere.hosts.probe.go.x509.der import Malformed, Reader
from anywhere.hosts.probe.go.x509.pem import certificates
from anywhere.hosts.probe.go.x509.policies import are_held
from anywhere.hosts.probe.go.x509.san import matches
from anywhere.hosts.probe.go.x509.signature import why_not
from anywhere.model import Reason

SERVER_AUTH, ANY_PURPOSE = "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"
MOST_SIGNATURES = 100  # maxChainSignatureChecks
LARGEST_KEY = 8192  # bits: crypto/tls refuses larger RSA keys of servers (defaultMaxRSAKeySize)


class Untrusted(Exception):
    """Go refuses the chain. `reason` is a certificate reason of the contract."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Pool:
    """A CA store: the certificates of a PEM text, found by their subject; each is parsed when it is needed."""

    def __init__(self, pem: bytes) -> None:
        self._by_subject: dict[bytes, list[bytes]] = {}
        self._all: set[bytes] = set()
        self._parsed: dict[bytes, Certificate | None] = {}
        for raw in certificates(pem):
            self._add(raw)

    def _add(self, raw: bytes) -> None:
        try:
            subject = subject_of(raw)
        except Malformed:
            return
        if raw not in self._all:
            self._all.add(raw)
            self._by_subject.setdefault(subject, []).append(raw)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, raw: bytes) -> bool:
        return raw in self._all and self._parse(raw) is not None

    def parents(self, issuer: bytes) -> list[Certificate]:
        """The certificates with this subject."""
        found = (self._parse(raw) for raw in self._by_subject.get(issuer, ()))
        return [one for one in found if one is not None]

    def _parse(self, raw: bytes) -> Certificate | None:
        if raw not in self._parsed:
            try:
                self._parsed[raw] = parse(raw)
            except Malformed:
                self._parsed[raw] = None
        return self._parsed[raw]


@dataclass(slots=True)
class _Search:
    """One verification: what was sent besides the leaf, the store, the time (0: dates do not count)."""

    others: Sequence[Certificate]
    pool: Pool
    now: float
    checks: int = 0
    hint: tuple[Reason, str] | None = None
    chains: list[list[Certificate]] = field(default_factory=list)

    def extend(self, chain: list[Certificate]) -> None:
        """All ways on from the last certificate of `chain`."""
        child = chain[-1]
        for root in self.pool.parents(child.issuer):
            if self._fits(chain, root, is_root=True):
                self.chains.append([*chain, root])
        for other in self.others:
            if other.subject == child.issuer and self._fits(chain, other, is_root=False):
                self.extend([*chain, other])

    def _fits(self, chain: list[Certificate], parent: Certificate, is_root: bool) -> bool:
        if not parent.key_known or _is_in(chain, parent) or self.checks >= MOST_SIGNATURES:
            return False
        self.checks += 1
        if why := why_not(chain[-1], parent):
            self.hint = self.hint or (Reason.CERT_UNTRUSTED, why)
            return False
        problem = _invalid(parent, chain, self.now, None if is_root else False)
        self.hint = self.hint or problem
        return problem is None


def verify(sent: Sequence[bytes], pool: Pool, name: str, now: float) -> tuple[str, ...]:
    """Check what a server sent, the leaf first, for `name` at `now` (epoch seconds; 0: whatever the dates).

    Returns what of it builds of Go differ about. Raises Untrusted.
    """
    parsed = [_parse(raw) for raw in sent]
    if not parsed:
        raise Untrusted(Reason.CERT_UNTRUSTED, "the server sent no certificate")
    leaf, others = parsed[0], parsed[1:]
    if leaf.key_kind == RSA and key_bits(leaf) > LARGEST_KEY:
        raise Untrusted(Reason.CERT_UNTRUSTED, f"an RSA key of more than {LARGEST_KEY} bits, which Go refuses")
    if problem := _invalid(leaf, [], now, None):
        raise Untrusted(*problem)
    if not matches(leaf.extensions.names, name):
        raise Untrusted(Reason.CERT_NAME, _other_name(leaf, name))
    search = _Search(others, pool, now)
    if leaf.raw in pool:
        search.chains = [[leaf]]
    else:
        search.extend([leaf])
    if not search.chains:
        raise Untrusted(*(_unknown(leaf, others, search)))
    held = [chain for chain in search.chains if are_held(chain)]
    if not held:
        raise Untrusted(
            Reason.CERT_UNTRUSTED, "a CA of the chain demands a certificate policy that is not held below it"
        )
    good = [chain for chain in held if _serves(chain)]
    if not good:
        raise Untrusted(Reason.CERT_UNTRUSTED, "the certificate's purposes do not include a server's")
    return _differences(parsed, good)


def _parse(raw: bytes) -> Certificate:
    try:
        return parse(raw)
    except Malformed as error:
        raise Untrusted(Reason.CERT_UNTRUSTED, f"Go cannot parse the certificate: {error}") from None


def _differences(sent: Iterable[Certificate], chains: Sequence[Sequence[Certificate]]) -> tuple[str, ...]:
    """Builds with Go's defaults of 1.23 and later refuse a negative serial; earlier ones, and GODEBUG, do not."""
    used = any(all(one.serial >= 0 for one in chain) for chain in chains)
    return () if used and all(one.serial >= 0 for one in sent) else (NEGATIVE_SERIAL,)


def _unknown(leaf: Certificate, others: Sequence[Certificate], search: _Search) -> tuple[Reason, str]:
    if search.hint and search.hint[0] is not Reason.CERT_UNTRUSTED:
        return search.hint
    last = leaf
    for _ in others:
        last = next((one for one in others if one.subject == last.issuer and one is not last), last)
    issuer = ", ".join(value for key, value in last.issuer_names if key in ("CN", "O"))
    detail = f"signed by an unknown authority: {issuer or 'without a name'}"
    return Reason.CERT_UNTRUSTED, detail + (f" ({search.hint[1]})" if search.hint else "")


def _invalid(
    one: Certificate, chain: Sequence[Certificate], now: float, root: bool | None
) -> tuple[Reason, str] | None:
    """Why Go does not take this certificate at its place in the chain; `root` False for an intermediate."""
    extensions = one.extensions
    if extensions.unhandled:
        return Reason.CERT_UNTRUSTED, f"unhandled critical extension {extensions.unhandled[0]}"
    if now and now < one.not_before:
        return Reason.CERT_NOT_YET_VALID, "certificate is not yet valid"
    if now and now > one.not_after:
        return Reason.CERT_EXPIRED, "certificate has expired"
    if chain and extensions.constraints:
        for below in chain:
            if why := permits(extensions.constraints, below.extensions.names):
                return Reason.CERT_UNTRUSTED, f"a CA of the chain may not sign for this name: {why}"
    if root is False and not extensions.is_ca:
        return Reason.CERT_UNTRUSTED, "a certificate of the chain is not authorized to sign others"
    if extensions.is_ca is not None and 0 <= extensions.path_length < len(chain) - 1:
        return Reason.CERT_UNTRUSTED, "too many intermediates for a path length constraint"
    return None


def _is_in(chain: Sequence[Certificate], one: Certificate) -> bool:
    return any(
        (one.subject, one.spki, one.extensions.alt_names) == (seen.subject, seen.spki, seen.extensions.alt_names)
        for seen in chain
    )


def _serves(chain: Sequence[Certificate]) -> bool:
    """Whether every certificate with extended key usages allows a server's."""
    listed = [one.extensions.purposes for one in chain if one.extensions.purposes]
    return all(SERVER_AUTH in purposes or ANY_PURPOSE in purposes for purposes in listed)


def _other_name(leaf: Certificate, name: str) -> str:
    names = leaf.extensions.names
    if not names.any:
        return f"the certificate holds no alternative name, and Go reads no common name, for {name}"
    shown = ", ".join(names.dns[:3]) or "other names"
    return f"certificate is valid for {shown}{', ...' if len(names.dns) > 3 else ''}, not {name}"


def key_bits(one: Certificate) -> int:
    """The size of an RSA key in bits."""
    info = Reader(one.spki).into(0x30, "spki")
    info.any("algorithm")
    return Reader(info.bits("subjectPublicKey")[1]).into(0x30, "RSA public key").integer("RSA modulus").bit_length()
