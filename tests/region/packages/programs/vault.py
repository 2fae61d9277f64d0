"""The SSM agent's files: vault, registration, credentials, identity, logs, modes as the real one leaves them."""

from __future__ import annotations

import base64
import configparser
import hashlib
import json
import os
import socket
import tempfile
import time
import uuid
from typing import Any

from aws import openssl

ROOT = "/var/lib/amazon/ssm"
STORE = f"{ROOT}/Vault/Store"
LOGS = "/var/log/amazon/ssm"


def write(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file with a mode, in place."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def load(path: str) -> dict[str, Any]:
    """A JSON file; empty where there is none, or none that can be read."""
    try:
        with open(path) as file:
            found = json.load(file)
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def log(text: str, level: str = "INFO", shown: bool = False) -> None:
    """A line of the agent's log; errors have a file of their own too."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime()) + f".{int(time.time() % 1 * 10000):04d}"
    line = f"{stamp} {level} {text}\n"
    os.makedirs(LOGS, 0o700, exist_ok=True)
    for name in ("amazon-ssm-agent.log",) + (("errors.log",) if level == "ERROR" else ()):
        with open(f"{LOGS}/{name}", "a") as file:
            file.write(line)
    if shown:
        print(f"{level} {text}" if level == "ERROR" else line, end="" if level != "ERROR" else "\n", flush=True)


def registration() -> dict[str, Any]:
    """The vault's RegistrationKey."""
    return load(f"{STORE}/RegistrationKey")


def save_key(instance: str, region: str, private: str) -> None:
    """Write the RegistrationKey and the vault's manifest."""
    os.makedirs(ROOT, 0o755, exist_ok=True)
    for folder in (f"{ROOT}/Vault", STORE):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o600)
    value = {
        "instanceID": instance, "region": region, "instanceType": "", "availabilityZone": "", "privateKey": private,
        "publicKey": "", "privateKeyType": "Rsa" if private else "",
        "privateKeyCreatedDate": time.strftime("%Y-%m-%d %H:%M:%S.000000000 +0000 UTC", time.gmtime()) if private else "",
    }  # fmt: skip
    write(f"{STORE}/RegistrationKey", json.dumps(value, separators=(",", ":")))
    names = ("InstanceFingerprint", "RegistrationKey")
    write(f"{ROOT}/Vault/Manifest", json.dumps({name: f"{STORE}/{name}" for name in names}))


def new_key() -> tuple[str, str]:
    """A new RSA key: the private half as base64 of PKCS#1, the public one as base64 of SubjectPublicKeyInfo."""
    pem = openssl("genrsa", "2048")
    der = (
        openssl("rsa", "-outform", "DER", "-traditional", data=pem)
        if _has_traditional()
        else openssl("rsa", "-outform", "DER", data=pem)
    )
    public = openssl("rsa", "-pubout", "-outform", "DER", data=pem)
    return base64.b64encode(der).decode(), base64.b64encode(public).decode()


def _has_traditional() -> bool:
    return openssl("version").startswith(b"OpenSSL 3")


def signer(private: str) -> Any:
    """RSA-PSS with SHA-256 and 32 bytes of salt, base64."""

    def sign(text: bytes) -> str:
        with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
            file.write(openssl("rsa", "-inform", "DER", data=base64.b64decode(private)))
            file.flush()
            options = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
            return base64.b64encode(openssl("dgst", "-sha256", "-sign", file.name, *options, data=text)).decode()

    return sign


def fingerprint() -> str:
    """The machine's fingerprint, a new one where the machine is another than before."""
    path = f"{STORE}/InstanceFingerprint"
    saved, now = load(path), _hardware()
    if saved.get("fingerprint") and saved.get("hardwareHash", {}).get("machine-id") == now["machine-id"]:
        return str(saved["fingerprint"])
    made = str(uuid.uuid4())
    write(path, json.dumps({"fingerprint": made, "hardwareHash": now, "similarityThreshold": 40}))
    return made


def _hardware() -> dict[str, str]:
    with open("/etc/machine-id") as file:
        machine = file.read()
    name = socket.gethostname()
    return {"machine-id": machine, "hostname-info": hashlib.md5(name.encode()).hexdigest(), "disk-info": ""}


def share_file() -> str:
    """Where the credentials go."""
    return os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join(
        os.environ.get("HOME", "/root"), ".aws/credentials"
    )


def share(keys: tuple[str, str, str], expires: float, instance: str) -> None:
    """Write the shared credentials file, keeping what else is in it and its mode, and the identity."""
    path = share_file()
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    file = configparser.RawConfigParser(default_section="\0")
    try:
        file.read(path)
    except configparser.Error:
        file = configparser.RawConfigParser(default_section="\0")
    if not file.has_section("default"):
        file.add_section("default")
    for name, value in zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), keys):
        file.set("default", name, value)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        file.write(out)
    os.makedirs(f"{ROOT}/runtimeconfig", 0o700, exist_ok=True)
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    identity = {
        "SchemaVersion": "1.1", "InstanceId": instance, "IdentityType": "OnPrem", "ShareFile": path, "ShareProfile": "",
        "CredentialsExpiresAt": time.strftime(stamp, time.gmtime(expires)),
        "CredentialsRetrievedAt": time.strftime(stamp, time.gmtime()), "CredentialSource": "SSM",
    }  # fmt: skip
    write(f"{ROOT}/runtimeconfig/identity_config.json", json.dumps(identity))


def keys_of(path: str, profile: str = "default") -> tuple[str, str, str]:
    """The keys in a shared credentials file; empty strings where there are none."""
    file = configparser.RawConfigParser(default_section="\0")
    try:
        file.read(path)
    except (configparser.Error, OSError):
        pass
    get = lambda name: file.get(profile, name, fallback="")  # noqa: E731
    return get("aws_access_key_id"), get("aws_secret_access_key"), get("aws_session_token")
