"""amazon-ssm-agent: `-register`, `-version`, and the daemon that fetches credentials and starts the worker."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import vault
from aws import Broken, Client, Failed
from vault import log
from whims import whims

VERSION = "3.3.4108.0"
WORKER = "/usr/bin/ssm-agent-worker"
AGENT = f"aws-sdk-go/1.55.5 (go1.23.6; linux; amd64) amazon-ssm-agent/{VERSION}"
SWITCHES = ("register", "clear", "y", "version", "disableSimilarityCheck", "fingerprint")
SUPERVISOR = "[amazon-ssm-agent] [LongRunningWorkerContainer] [WorkerProvider]"
REFRESHER = "[CredentialRefresher]"
FAILED = "Registration failed due to error registering the instance with AWS SSM. "


def main() -> int:
    """One of the flags, or the daemon."""
    if len(sys.argv) == 1:
        return daemon()
    flags = read_flags(sys.argv[1:])
    if flags is None:
        return 2
    if "version" in flags:
        print(f"SSM Agent version: {VERSION}")
        return 0
    return register(flags) if "register" in flags else usage()


def read_flags(words: list[str]) -> dict[str, str] | None:
    """Go's flags: one or two dashes, `-name value` or `-name=value`. None for what it does not know."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, _, value = rest.pop(0).lstrip("-").partition("=")
        if name in SWITCHES:
            found[name] = "true"
        elif name in ("code", "id", "region", "role", "tags", "similarityThreshold"):
            found[name] = value or (rest.pop(0) if rest else "")
        else:
            print(f"flag provided but not defined: -{name}", file=sys.stderr)
            return None
    return found


def usage() -> int:
    """The usage text, exit code 1."""
    print("\n\nCommand-line Usage:\n\t-register\tregister managed instance", file=sys.stderr)
    return 1


def register(flags: dict[str, str]) -> int:
    """Register once: key, vault, one call, vault again."""
    if not all(flags.get(name) for name in ("code", "id", "region")):
        return clear() if "clear" in flags else usage()
    if os.geteuid() != 0:
        print("Registration failed due to Unable to save registration information. permission denied\n"
              "Try running as sudo/administrator.")  # fmt: skip
        return 1
    if "y" not in flags and vault.registration().get("instanceID"):
        question = "Instance already registered. Would you like to override existing with new registration information?"
        print(f"\n{question} [Yes/No]: ", end="", flush=True)
        said = sys.stdin.readline().strip().lower()
        if not said.startswith("y"):
            log("Registration canceled by user" if said else "Registration failed due to EOF", "ERROR", shown=True)
            return 1
    private, public = vault.new_key()
    try:
        vault.save_key("", "", private)
        fingerprint = vault.fingerprint()
    except OSError as error:
        log(f"Registration failed due to Unable to save registration information. {_words(error)}\n"
            "Try running as sudo/administrator.", "ERROR", shown=True)  # fmt: skip
        return 1
    return _call(flags, private, public, fingerprint)


def _words(error: OSError) -> str:
    return f"open {error.filename or vault.STORE}: {(error.strerror or str(error)).lower()}"


def _call(flags: dict[str, str], private: str, public: str, fingerprint: str) -> int:
    code, identity, region = flags["code"], flags["id"], flags["region"]
    for name, value, least in (("ActivationCode", code, 20), ("ActivationId", identity, 36)):
        if len(value) < least:
            log(f"{FAILED}InvalidParameter: 1 validation error(s) found.\n- minimum field size of {least}, "
                f"RegisterManagedInstanceInput.{name}.\n", "ERROR", shown=True)  # fmt: skip
            return 1
    body = {
        "ActivationCode": code, "ActivationId": identity, "Fingerprint": fingerprint, "PublicKey": public,
        "PublicKeyType": "Rsa",
    }  # fmt: skip
    try:
        said = Client("ssm", region, AGENT, "AmazonSSM").call("RegisterManagedInstance", body)
    except Failed as failed:
        log(f"{FAILED}{failed}", "ERROR", shown=True)
        return 1
    except Broken as broken:
        log(f"{FAILED}RequestError: send request failed\ncaused by: {broken}", "ERROR", shown=True)
        return 1
    if "InstanceId" not in said:
        print("panic: runtime error: invalid memory address or nil pointer dereference", file=sys.stderr)
        return 2
    instance = str(said["InstanceId"])
    vault.save_key(instance, region, private)
    vault.write(f"{vault.ROOT}/registration", json.dumps({"ManagedInstanceID": instance, "Region": region}))
    log(f"Successfully registered the instance with AWS SSM using Managed instance-id: {instance}", shown=True)
    return 0


def clear() -> int:
    """Blank the vault; the `registration` file stays."""
    vault.save_key("", "", "")
    vault.write(f"{vault.STORE}/InstanceFingerprint", '{"fingerprint":"","hardwareHash":null,"similarityThreshold":0}')
    log("Registration information has been removed from the instance.", shown=True)
    return 0


def daemon() -> int:
    """Identity, credentials, worker; forever."""
    ways = whims("ssm-agent")
    time.sleep(float(ways.get("slow", 0)))
    if "die" in ways:
        log("[amazon-ssm-agent] Core agent startup panic: told to die", "ERROR")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: _stop())
    log(f"[amazon-ssm-agent] amazon-ssm-agent - v{VERSION}")
    log("[amazon-ssm-agent] OS: linux, Arch: amd64")
    log("[amazon-ssm-agent] Starting Core Agent")
    info = vault.registration()
    if not info.get("instanceID"):
        log("[amazon-ssm-agent] failed to find identity, retrying: failed to find agent identity", "ERROR")
        time.sleep(8.5)
        log("[amazon-ssm-agent] Failed to start agent. failed to find agent identity", "ERROR")
        return 0
    log("[amazon-ssm-agent] Agent will take identity from OnPrem")
    log(f"{REFRESHER} credentialRefresher has started")
    log(f"{REFRESHER} Starting credentials refresher loop")
    _refresh(info, ways)
    return 0


_worker: subprocess.Popen[bytes] | None = None


def _stop() -> None:
    log("[amazon-ssm-agent] amazon-ssm-agent got signal:terminated value:terminated")
    if _worker:
        _worker.terminate()
        try:
            _worker.wait(5)
        except subprocess.TimeoutExpired:
            _worker.kill()
    log("[amazon-ssm-agent] Bye.")
    os._exit(0)


def _refresh(info: dict[str, Any], ways: dict[str, str]) -> None:
    """Keys at once, and again at half their life. Keys that last are used again after a restart."""
    expires = _left(info)
    count = 0
    while True:
        if expires <= 0:
            try:
                if "no-credentials" in ways:
                    raise Failed("InternalServerError", "told to have none", 500)
                expires, count = _fetch(info), 0
            except (Failed, Broken) as error:
                count += 1
                log(f"{REFRESHER} Retrieve credentials produced error: {error}", "ERROR")
                seconds = _pause(error, count)
                log(f"{REFRESHER} Sleeping for {seconds:.0f}s before retrying retrieve credentials")
                time.sleep(seconds)
                continue
        log(f"{REFRESHER} Credentials ready")
        log(f"{REFRESHER} Next credential rotation will be in {expires / 120} minutes")
        _supervise(expires / 2)
        expires = 0.0


def _left(info: dict[str, Any]) -> float:
    """Seconds that the keys on disk last, 0 when they are past half of an hour."""
    known = vault.load(f"{vault.ROOT}/runtimeconfig/identity_config.json")
    if known.get("InstanceId") != info["instanceID"] or not all(vault.keys_of(vault.share_file())):
        return 0.0
    import calendar

    ends = calendar.timegm(time.strptime(str(known["CredentialsExpiresAt"]), "%Y-%m-%dT%H:%M:%SZ"))
    since = calendar.timegm(time.strptime(str(known["CredentialsRetrievedAt"]), "%Y-%m-%dT%H:%M:%SZ"))
    left = ends - time.time()
    return left if left > (ends - since) / 2 else 0.0


def _fetch(info: dict[str, Any]) -> float:
    client = Client("ssm", str(info["region"]), AGENT, "AmazonSSM")
    rsa = (str(info["instanceID"]), vault.signer(str(info["privateKey"])))
    said = client.call("RequestManagedInstanceRoleToken", {"Fingerprint": vault.fingerprint()}, rsa=rsa)
    keys = (str(said["AccessKeyId"]), str(said["SecretAccessKey"]), str(said["SessionToken"]))
    vault.share(keys, float(said["TokenExpirationDate"]), str(info["instanceID"]))
    return float(said["TokenExpirationDate"]) - time.time()


def _pause(error: Exception, count: int) -> float:
    if isinstance(error, Failed) and error.kind in ("MachineFingerprintDoesNotMatch", "AccessDeniedException"):
        return random.uniform(1500, 1800)
    return min(random.uniform(10, 20) * isinstance(error, Failed) + 2.0**count, 1800)


def _supervise(seconds: float) -> None:
    """Keep the worker running for so long."""
    global _worker
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if _worker is None or _worker.poll() is not None:
            try:
                _worker = subprocess.Popen([WORKER])
                log(f"{SUPERVISOR} Worker ssm-agent-worker (pid:{_worker.pid}) started")
            except OSError as error:
                log(f"[amazon-ssm-agent] failed to start worker: {error}", "ERROR")
                time.sleep(60)
        time.sleep(min(1.0, max(until - time.monotonic(), 0)))


if __name__ == "__main__":
    sys.exit(main())
