"""The control plane: signatures, activations, faults on request, package hosting, and the stand-in agent against it."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.region import Region
from tests.region.controlplane import signing, ssm
from tests.region.controlplane.http import Refusal, Request
from tests.region.controlplane.plane import OWNER, Plane
from tests.region.controlplane.state import State
from tests.region.packages.build import packages, program
from tests.region.packages.keys import IN_KEYRING, fingerprint, keyring
from tests.region.packages.programs import __file__ as PROGRAMS

NAME = "ssm.us-east-1.amazonaws.com"
S3 = "https://s3.us-east-1.amazonaws.com"


def request(operation: str = "", **headers: str) -> Request:
    lower = {key.replace("_", "-"): value for key, value in headers.items()}
    return Request(NAME, "POST", "/", {"x-amz-target": f"AmazonSSM.{operation}", "host": NAME, **lower}, b"{}")


def key() -> tuple[rsa.RSAPrivateKey, str]:
    made = rsa.generate_private_key(65537, 2048)
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return made, base64.b64encode(made.public_key().public_bytes(serialization.Encoding.DER, kind)).decode()


@pytest.fixture
def state() -> State:
    return State(Plane(), 0.0, 4)


@pytest.mark.parametrize("salt", [32, padding.PSS.MAX_LENGTH, 0])
def test_rsa_pss_is_checked_as_a_library_makes_it(salt: Any) -> None:
    private, public = key()
    text = b"AWS4-HMAC-SHA256\nany"
    made = private.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
    good = signing.Signature("mi-1", ("20261129", "us-east-1", "ssm"), base64.b64encode(made).decode(), text)
    signing.check_rsa(good, public)
    spoiled = bytes([made[0] ^ 1]) + made[1:]
    for other in (
        signing.Signature(good.identity, good.scope, base64.b64encode(spoiled).decode(), text),
        signing.Signature(good.identity, good.scope, good.value, text + b"."),
        signing.Signature(good.identity, good.scope, "no base64", text),
    ):
        with pytest.raises(Refusal):
            signing.check_rsa(other, public)
    with pytest.raises(Refusal):
        signing.check_rsa(good, key()[1])


def test_a_version_4_signature_of_the_documentation_is_accepted() -> None:
    # Source: AWS General Reference, "Signature Version 4 test suite", get-vanilla-query-order-key-case.
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    value = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    header = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={value}"
    )
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", "authorization": header}
    asked = Request("example.amazonaws.com", "GET", "/?Param2=value2&Param1=value1", headers, b"")
    found = signing.read(asked)
    assert found
    signing.check_secret(found, secret)
    with pytest.raises(Refusal):
        signing.check_secret(found, secret + "x")


@pytest.mark.parametrize(("offset", "words"), [(-301, "expired"), (-299, ""), (299, ""), (301, "not yet current")])
def test_five_minutes_are_the_window(offset: int, words: str) -> None:
    now = time.time() // 1
    asked = request(x_amz_date=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now + offset)))
    if not words:
        signing.check_date(asked, now)
        return
    with pytest.raises(Refusal) as refusal:
        signing.check_date(asked, now)
    assert words in refusal.value.message


def register(state: State, **changes: str) -> str:
    one = state.plane.activations[0]
    values = {"ActivationId": one.id, "ActivationCode": one.code, "Fingerprint": "f" * 36, "PublicKey": key()[1]}
    said = ssm.register(state, request("RegisterManagedInstance"), {**values, **changes})
    return str(said["InstanceId"])


REFUSALS: tuple[tuple[dict[str, Any], dict[str, str], str], ...] = (
    ({}, {"ActivationCode": "x" * 20}, "InvalidActivation"),
    ({}, {"ActivationId": "0" * 36}, "InvalidActivation"),
    ({"region": "eu-west-1"}, {}, "InvalidActivation"),
    ({"hours": -1}, {}, "ActivationExpired"),
    ({"limit": 0}, {}, "RegistrationLimitExceeded"),
    ({}, {"PublicKey": "x" * 392}, "InvalidPublicKey"),
    ({"hours": -1, "limit": 0}, {}, "ActivationExpired"),
)


@pytest.mark.parametrize(("fields", "changes", "error"), REFUSALS)
def test_activations_are_refused_in_order_and_count_successes_alone(
    state: State, fields: dict[str, Any], changes: dict[str, str], error: str
) -> None:
    one = state.activate(**fields)
    with pytest.raises(Refusal) as refusal:
        register(state, **changes)
    assert (refusal.value.error, one.used) == (error, 0)


def test_a_good_activation_is_used_up(state: State) -> None:
    one = state.activate(limit=2)
    first, second = register(state), register(state)
    assert first != second and one.used == 2 and len(first) == 20
    with pytest.raises(Refusal, match="RegistrationLimitExceeded"):
        register(state)


def test_the_programs_hold_no_newer_python_than_the_oldest_host() -> None:
    for path in Path(PROGRAMS).parent.glob("*.py"):
        ast.parse(path.read_text(), str(path), feature_version=(3, 9))


def test_the_keyring_holds_the_keys_of_the_site_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet")
    subprocess.run((*gpg, "--import", str(keyring())), check=True, capture_output=True)
    listed = subprocess.run((*gpg, "--with-colons", "--list-keys"), capture_output=True, text=True).stdout
    assert all(fingerprint(name) in listed for name in IN_KEYRING) and fingerprint("stranger") not in listed
    deb = packages() / "ssm/latest/debian_amd64/amazon-ssm-agent.deb"
    good = subprocess.run((*gpg, "--verify", f"{deb}.sig", str(deb)), capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    subprocess.run(("gpgconf", "--homedir", str(home), "--kill", "all"))


@pytest.fixture(scope="module")
def region() -> Iterator[Region]:
    with Region() as made:
        yield made


def until(true: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.region
def test_unsigned_requests_get_the_refusals_that_they_always_got(region: Region) -> None:
    done = region.run(["curl", "-s", "-w", " %{http_code}", "-XPOST", f"https://{NAME}/"])
    assert "MissingAuthenticationToken" in done.stdout and done.stdout.endswith(" 400")
    assert region.run(["curl", "-s", "-o/dev/null", "-w", "%{http_code}", f"{S3}/no-bucket/x"]).stdout == "403"


@pytest.mark.region
def test_objects_come_in_both_styles_and_in_parts(region: Region, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "key").write_bytes(bytes(range(256)) * 40)
    region.control.publish({"a-bucket": str(tmp_path)})
    whole = ["curl", "-s", "-o", f"{tmp_path}/out", "-w", "%{http_code} %{size_download}"]
    for url in (f"{S3}/a-bucket/folder/key", "https://a-bucket.s3.us-east-1.amazonaws.com/folder/key"):
        assert region.run([*whole, url]).stdout == "200 10240"
        assert region.run([*whole, "-r", "10000-", url]).stdout == "206 240"
        assert region.run([*whole, "-r", "20000-", url]).stdout.startswith("416")
    assert region.run([*whole, f"{S3}/a-bucket/folder/../../etc/passwd", "--path-as-is"]).stdout.startswith("403")
    region.control.fail("GetObject", how="truncate", count=1)
    cut = region.run([*whole, f"{S3}/a-bucket/folder/key"])
    # 56 where curl's OpenSSL reports first that TLS ended without a word.
    assert cut.returncode in (18, 56) and cut.stdout == "200 5120"
    assert region.run([*whole, "-C", "5120", f"{S3}/a-bucket/folder/key"]).stdout == "206 5120"


@pytest.mark.region
def test_the_stand_in_registers_and_keeps_its_channel(region: Region) -> None:
    one = region.control.activate()
    agent, worker = "/run/region/amazon-ssm-agent", "/usr/bin/ssm-agent-worker"
    for path, name in ((agent, "ssm_agent"), (worker, "ssm_worker")):
        script = f"cat >{path} && chmod 755 {path}"
        with region.popen(["sh", "-c", script], stdin=subprocess.PIPE) as writer:
            writer.communicate(program(name))
    words = ["-register", "-id", one["id"], "-region", "us-east-1", "-code"]
    wrong = region.run([agent, *words, "w" * 20])
    assert wrong.returncode == 1 and "InvalidActivation" in wrong.stdout
    vault = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
    assert json.loads(region.run(["cat", vault]).stdout)["instanceID"] == ""
    assert region.run([agent, *words, one["code"]]).returncode == 0
    instance = json.loads(region.run(["cat", vault]).stdout)["instanceID"]
    with region.popen([agent], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            until(lambda: [row["owner"] for row in region.control.state()["channels"]] == [instance])
            region.control.cut("ssmmessages")
            until(lambda: len(region.control.calls("control-channel")) == 2)
            assert "aws_session_token" in region.run(["cat", "/root/.aws/credentials"]).stdout
        finally:
            daemon.terminate()
    state = region.control.state()
    assert [row["used"] for row in state["activations"]] == [1]
    assert one["code"] not in region.run(["sh", "-c", "cat /var/log/amazon/ssm/*"]).stdout


@pytest.mark.region
def test_the_owner_makes_activations_and_takes_instances_away(region: Region) -> None:
    """What botocore sends, signed here by the stand-in's own client."""
    script = f"""
import sys; sys.path.insert(0, {str(Path(PROGRAMS).parent)!r})
import json
from aws import Client
ssm = Client("ssm", "us-east-1", prefix="AmazonSSM")
keys = ({OWNER[0]!r}, {OWNER[1]!r}, "")
made = ssm.call("CreateActivation", {{"IamRole": "ecsAnywhereRole", "RegistrationLimit": 3}}, keys=keys)
listed = ssm.call("DescribeActivations", {{}}, keys=keys)["ActivationList"]
ecs = Client("ecs", "us-east-1", prefix="AmazonEC2ContainerServiceV20141113")
found = ecs.call("DescribeClusters", {{"clusters": ["plant-7", "no-such"]}}, keys=keys)
print(json.dumps([made, listed, found]))
"""
    done = region.run(["/usr/bin/python3", "-c", script])
    made, listed, found = json.loads(done.stdout or "0 " + done.stderr)
    mine = next(one for one in listed if one["ActivationId"] == made["ActivationId"])
    assert (mine["RegistrationLimit"], mine["RegistrationsCount"], mine["Expired"]) == (3, 0, False)
    assert made["ActivationCode"] not in json.dumps(listed)
    assert ([one["clusterName"] for one in found["clusters"]], len(found["failures"])) == (["plant-7"], 1)
