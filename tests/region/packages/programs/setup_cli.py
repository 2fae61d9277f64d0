"""ssm-setup-cli: fetches the agent's package, installs it, registers."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from aws import Broken, Client

NAMES = (
    "env",
    "region",
    "version",
    "activation-id",
    "activation-code",
    "artifacts-dir",
    "manifest-url",
    "role",
    "tags",
)
SWITCHES = (
    "install",
    "register",
    "override",
    "shutdown",
    "help",
    "skip-signature-validation",
    "disableSimilarityCheck",
)


def main() -> int:
    """Install, then register when that is asked for."""
    flags = _flags(sys.argv[1:])
    region = flags.get("region", "")
    if not region:
        print("Region is required. Try using the -region parameter", file=sys.stderr)
        return 1
    arch = subprocess.run(
        ("dpkg", "--print-architecture"), stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    bucket = Client("s3", region)
    try:
        status, _, data = bucket.request(
            "GET", f"/amazon-ssm-{region}/latest/debian_{arch}/amazon-ssm-agent.deb", b"", {}
        )
    except Broken as broken:
        print(f"Failed to download SSM Agent: {broken}", file=sys.stderr)
        return 1
    if status != 200:
        print(f"Failed to download SSM Agent: status {status}", file=sys.stderr)
        return 1
    with tempfile.NamedTemporaryFile(suffix=".deb") as file:
        file.write(data)
        file.flush()
        if subprocess.run(("dpkg", "-i", file.name)).returncode:
            return 1
    return _register(flags, region) if "register" in flags else 0


def _register(flags: dict[str, str], region: str) -> int:
    subprocess.run(("systemctl", "stop", "amazon-ssm-agent"))
    words = ("-code", flags.get("activation-code", ""), "-id", flags.get("activation-id", ""), "-region", region, "-y")
    code = subprocess.run(("/usr/bin/amazon-ssm-agent", "-register", *words)).returncode
    return code or subprocess.run(("systemctl", "start", "amazon-ssm-agent")).returncode


def _flags(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, _, value = rest.pop(0).lstrip("-").partition("=")
        found[name] = "true" if name in SWITCHES else value or (rest.pop(0) if rest and name in NAMES else "")
    return found


if __name__ == "__main__":
    sys.exit(main())
