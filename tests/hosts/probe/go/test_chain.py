"""Chains judged as Go's crypto/x509 does, where it is stricter or more lenient than OpenSSL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from anywhere.hosts.probe.go.x509.certificate import parse, read_time
from anywhere.hosts.probe.go.x509.chain import Pool, Untrusted, verify
from anywhere.hosts.probe.go.x509.constraints import mailbox
from anywhere.hosts.probe.go.x509.der import Malformed, Reader
from anywhere.model import Reason

HOST = "ecs.us-east-1.amazonaws.com"
NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
CA_KEY = ec.generate_private_key(ec.SECP256R1())
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CA = (x509.BasicConstraints(True, None),)
Extensions = Sequence[x509.ExtensionType]


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(subject: str, issuer: str, key: object, signer: object, extensions: Extensions, days: tuple[int, int] = (-1, 30),
         digest: hashes.HashAlgorithm | None = None) -> x509.Certificate:  # fmt: skip
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).serial_number(7)
    builder = builder.public_key(key.public_key())
    builder = builder.not_valid_before(NOW + timedelta(days[0])).not_valid_after(NOW + timedelta(days[1]))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.NameConstraints))
    chosen = None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
    return builder.sign(signer, chosen)


def root(extensions: Extensions = CA, key: object = CA_KEY, **more: object) -> x509.Certificate:
    return make("Root", "Root", key, key, extensions, **more)


def leaf(*extensions: x509.ExtensionType, names: Sequence[str] = (f"*.{HOST.partition('.')[2]}",), **more: object):
    alt = (x509.SubjectAlternativeName([x509.DNSName(one) for one in names]),) if names else ()
    return make("leaf", "Root", KEY, more.pop("signer", CA_KEY), (*alt, *extensions), **more)


def judged(chain: Sequence[x509.Certificate], *store: x509.Certificate, host: str = HOST) -> Reason | None:
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in store)
    try:
        verify([one.public_bytes(serialization.Encoding.DER) for one in chain], Pool(pem), host, time.time())
    except Untrusted as error:
        return error.reason
    return None


def test_a_good_chain() -> None:
    assert judged([leaf(SERVER)], root()) is None


def test_an_unknown_authority() -> None:
    assert judged([leaf(SERVER)]) is Reason.CERT_UNTRUSTED


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((HOST,), None),
        ((HOST.upper(),), None),
        (("*.us-east-1.amazonaws.com", "a_b.example"), None),
        (("e*.us-east-1.amazonaws.com",), Reason.CERT_NAME),
        (("*.amazonaws.com",), Reason.CERT_NAME),
        ((), Reason.CERT_NAME),
    ],
)
def test_names(names: Sequence[str], reason: Reason | None) -> None:
    assert judged([leaf(SERVER, names=names)], root()) is reason


@pytest.mark.parametrize(("days", "reason"), [((-9, -1), Reason.CERT_EXPIRED), ((1, 9), Reason.CERT_NOT_YET_VALID)])
def test_dates(days: tuple[int, int], reason: Reason) -> None:
    assert judged([leaf(SERVER, days=days)], root()) is reason
    assert judged([leaf(SERVER)], root(days=days)) is reason


@pytest.mark.parametrize(
    ("purposes", "reason"),
    [
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], None),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], Reason.CERT_UNTRUSTED),
        ([ObjectIdentifier("2.16.840.1.113730.4.1")], Reason.CERT_UNTRUSTED),  # Netscape's, which OpenSSL takes
    ],
)
def test_purposes(purposes: list[ObjectIdentifier], reason: Reason | None) -> None:
    assert judged([leaf(x509.ExtendedKeyUsage(purposes))], root()) is reason


def usage(**allowed: bool) -> x509.KeyUsage:
    words = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{word: allowed.get(word, False) for word in words})


def test_a_root_without_basic_constraints_may_not_sign() -> None:
    assert judged([leaf(SERVER)], root((usage(key_cert_sign=True),))) is Reason.CERT_UNTRUSTED


def test_a_root_whose_usage_does_not_allow_it_may_not_sign() -> None:
    assert judged([leaf(SERVER)], root((*CA, usage(digital_signature=True)))) is Reason.CERT_UNTRUSTED


def test_a_leaf_s_usage_and_key_id_do_not_count() -> None:
    wrong = x509.AuthorityKeyIdentifier(b"\1" * 20, None, None)
    assert judged([leaf(SERVER, usage(crl_sign=True), wrong)], root()) is None


def test_a_leaf_in_the_store_is_trusted() -> None:
    one = leaf(SERVER)
    assert judged([one], one) is None


def test_sha1_is_refused_in_a_chain_and_taken_in_a_root() -> None:
    assert judged([leaf(SERVER, digest=hashes.SHA384())], root()) is None
    old = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert judged([leaf(SERVER, signer=old)], root(key=old)) is None


def test_keys_that_openssl_finds_too_small_are_taken() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert judged([leaf(SERVER, signer=small)], root(key=small)) is None


def test_curves_outside_nists_are_refused() -> None:
    other = ec.generate_private_key(ec.BrainpoolP256R1())
    assert judged([leaf(SERVER, signer=other)], root(key=other)) is Reason.CERT_UNTRUSTED


def test_a_path_length_counts() -> None:
    middle_key = ec.generate_private_key(ec.SECP256R1())
    middle = make("Root", "Top", CA_KEY, middle_key, CA)
    top = make("Top", "Top", middle_key, middle_key, (x509.BasicConstraints(True, 0),))
    assert judged([leaf(SERVER), middle], top) is Reason.CERT_UNTRUSTED
    free = make("Top", "Top", middle_key, middle_key, CA)
    assert judged([leaf(SERVER), middle], free) is None


@pytest.mark.parametrize(("domain", "reason"), [("amazonaws.com", None), ("example.com", Reason.CERT_UNTRUSTED)])
def test_name_constraints(domain: str, reason: Reason | None) -> None:
    limits = x509.NameConstraints([x509.DNSName(domain)], None)
    assert judged([leaf(SERVER)], root((*CA, limits))) is reason


def test_an_issuer_is_compared_byte_by_byte() -> None:
    other = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root", _type=x509.name._ASN1Type.PrintableString)])
    builder = x509.CertificateBuilder().subject_name(other).issuer_name(other).serial_number(7)
    builder = builder.public_key(CA_KEY.public_key()).not_valid_before(NOW).not_valid_after(NOW + timedelta(9))
    same_to_the_eye = builder.add_extension(CA[0], critical=True).sign(CA_KEY, hashes.SHA256())
    assert judged([leaf(SERVER)], same_to_the_eye) is Reason.CERT_UNTRUSTED


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@given(st.integers(0, 500), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_parsed(at: int, value: int) -> None:
    raw = bytearray(leaf(SERVER).public_bytes(serialization.Encoding.DER))
    raw[at % len(raw)] = value
    try:
        parse(bytes(raw))
    except Malformed:
        pass


@pytest.mark.parametrize(
    ("rules", "held", "reason"),
    [
        ((x509.PolicyConstraints(0, None),), (), Reason.CERT_UNTRUSTED),
        ((x509.PolicyConstraints(0, None),), ("1.2.3",), Reason.CERT_UNTRUSTED),
        ((x509.PolicyConstraints(0, None), ("1.2.3",)), ("1.2.3",), None),
        ((x509.PolicyConstraints(0, None), ("1.2.3",)), ("1.2.4",), Reason.CERT_UNTRUSTED),
        ((x509.PolicyConstraints(0, None), ("2.5.29.32.0",)), ("1.2.4",), None),
        ((x509.PolicyConstraints(0, None), ("2.5.29.32.0",), x509.InhibitAnyPolicy(0)), ("1.2.4",), None),
        ((x509.PolicyConstraints(5, None),), (), None),
    ],
)
def test_policies_that_a_ca_demands(rules: tuple, held: tuple[str, ...], reason: Reason | None) -> None:
    def policies(names: Sequence[str]) -> x509.CertificatePolicies:
        return x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(one), None) for one in names])

    key = ec.generate_private_key(ec.SECP256R1())
    extensions = (*CA, *(policies(one) if isinstance(one, tuple) else one for one in rules))
    inter = make("Inter", "Root", key, CA_KEY, extensions)
    alt = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    below = make("leaf", "Inter", KEY, key, (alt, *((policies(held),) if held else ())))
    assert judged([below, inter], root()) is reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"a b"@x.example', ("a b", "x.example")),
        (r"a\@b@x", ("a@b", "x")),
        ("a..b@x", None),
        (".a@x", None),
        ("nobody", None),
        ("a@x.", None),
    ],
)
def test_a_mailbox_as_go_takes_it_apart(text: str, found: tuple[str, str] | None) -> None:
    assert mailbox(text) == found


def test_a_mailbox_that_go_cannot_read_spoils_a_constrained_chain() -> None:
    alt = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.RFC822Name("nobody")])
    constrained = root((*CA, x509.NameConstraints([x509.DNSName("amazonaws.com")], None)))
    assert judged([make("leaf", "Root", KEY, CA_KEY, (alt,))], constrained) is Reason.CERT_UNTRUSTED
    assert judged([make("leaf", "Root", KEY, CA_KEY, (alt,))], root()) is None


def test_what_stands_behind_a_certificate_spoils_it() -> None:
    raw = root().public_bytes(serialization.Encoding.DER)
    assert parse(raw).version == 3
    with pytest.raises(Malformed):
        parse(raw + b"\0")


def test_a_point_that_is_not_on_its_curve_spoils_the_certificate() -> None:
    raw = root().public_bytes(serialization.Encoding.DER)
    point = CA_KEY.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    with pytest.raises(Malformed, match="not on its curve"):
        parse(raw.replace(point, point[:-1] + bytes((point[-1] ^ 1,))))


@pytest.mark.parametrize(
    ("written", "fits"),
    [(b"250101000000+0200", True), (b"250101000000+0000", False), (b"250101000060Z", False), (b"2501010000Z", True)],
)
def test_dates_as_go_reads_them(written: bytes, fits: bool) -> None:
    reader = Reader(2 * (bytes((0x17, len(written))) + written))
    if fits:
        assert read_time(reader) in (1735689600.0, 1735682400.0)
    else:
        with pytest.raises(Malformed):
            read_time(reader)
