"""Certificates beside Go's own crypto/x509: thousands with bytes changed and signed again, judged by both."""

from __future__ import annotations

import base64
import ipaddress
import json
import random
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from anywhere.hosts.probe.go.x509.chain import Pool, Untrusted, verify
from tests.region.goclient.build import Unavailable, verifier

pytestmark = pytest.mark.slow
HOST = "ecs.us-east-1.amazonaws.com"
SECONDS = 8.0
NOW = time.time()
POLICY = x509.PolicyInformation(ObjectIdentifier("1.2.3"), None)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("leaf", "inter", "root")}
SIGNED_BY = {"leaf": "inter", "inter": "root", "root": "root"}
URI, MAIL = x509.UniformResourceIdentifier("https://x.example/a"), x509.RFC822Name("a@b.example")
NETWORK = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
DOMAINS = [x509.DNSName("amazonaws.com"), NETWORK, x509.RFC822Name("b.example")]
EXTENSIONS = {
    "leaf": (
        x509.SubjectAlternativeName(
            [x509.DNSName(f"*.{HOST.partition('.')[2]}"), URI, MAIL, x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]
        ),
        x509.BasicConstraints(False, None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
        x509.CertificatePolicies([POLICY]),
        x509.SubjectKeyIdentifier(b"x" * 20),
        x509.AuthorityKeyIdentifier(b"x" * 20, None, None),
        x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, URI)]),
        x509.CRLDistributionPoints([x509.DistributionPoint([URI], None, None, None)]),
    ),
    "inter": (
        x509.BasicConstraints(True, 1),
        x509.NameConstraints(DOMAINS, [x509.DNSName("other.example")]),
        x509.PolicyConstraints(5, 2),
        x509.InhibitAnyPolicy(3),
        x509.CertificatePolicies([POLICY, x509.PolicyInformation(ObjectIdentifier("2.5.29.32.0"), None)]),
    ),
    "root": (x509.BasicConstraints(True, None),),
}


def certificate(name: str) -> bytes:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, SIGNED_BY[name])]
    dates = [datetime.fromtimestamp(NOW + days * 86400, UTC) for days in (-9, 90)]
    made = x509.CertificateBuilder(*reversed(names), KEYS[name].public_key(), 7, *dates)
    for extension in EXTENSIONS[name]:
        made = made.add_extension(extension, critical=isinstance(extension, x509.NameConstraints))
    return made.sign(KEYS[SIGNED_BY[name]], hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def changed(raw: bytes, name: str, chance: random.Random) -> bytes:
    """The same with a byte or two changed in what is signed, and a signature that fits."""
    tbs = bytearray(x509.load_der_x509_certificate(raw).tbs_certificate_bytes)
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(4, len(tbs))
        tbs[at] = chance.choice((chance.randrange(256), tbs[at] ^ 1 << chance.randrange(8), (tbs[at] + 1) % 256))
    signature = KEYS[SIGNED_BY[name]].sign(bytes(tbs), ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    bits = bytes((3, len(signature) + 1, 0)) + signature
    length = len(tbs) + len(algorithm) + len(bits)
    return b"\x30\x82" + length.to_bytes(2, "big") + bytes(tbs) + algorithm + bits


@pytest.fixture(scope="module")
def go() -> Iterator[subprocess.Popen[str]]:
    try:
        program = verifier()
    except Unavailable as error:
        pytest.skip(str(error))
    settings = {"GODEBUG": "x509negativeserial=1"}
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings) as process:
        yield process
        process.stdin.close()


def theirs(go: subprocess.Popen[str], chain: list[bytes], store: str) -> str:
    row = {"chain": [base64.b64encode(one).decode() for one in chain], "roots": store, "name": HOST}
    go.stdin.write(json.dumps(row) + "\n")
    go.stdin.flush()
    return str(json.loads(go.stdout.readline()))


def ours(chain: list[bytes], store: str) -> str:
    try:
        verify(chain, Pool(store.encode()), HOST, time.time())
    except Untrusted as error:
        return ("parse: " if error.detail.startswith("Go cannot parse") else "verify: ") + error.detail
    return ""


def test_both_judge_the_same(go: subprocess.Popen[str]) -> None:
    chance, good = random.Random(20), {name: certificate(name) for name in KEYS}
    end, compared, passed = time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < end:
        name = chance.choice(list(KEYS))
        sent = {**good, name: changed(good[name], name, chance)} if compared else good
        store = (
            "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(sent["root"]).decode() + "-----END CERTIFICATE-----\n"
        )
        chain = [sent["leaf"], sent["inter"]]
        one, other = theirs(go, chain, store), ours(chain, store)
        assert (bool(one), one[:5]) == (bool(other), other[:5]), (name, sent[name].hex(), one, other)
        compared, passed = compared + 1, passed + (not one)
    assert compared > 100
    assert 0 < passed < compared
