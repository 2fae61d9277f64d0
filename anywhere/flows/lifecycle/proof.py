"""The path of task credentials, proven by real requests: from the host, from docker's bridge, and from a container."""

from __future__ import annotations

from anywhere.checks.netfilter.proof import judge_proof
from anywhere.hosts.base import Host
from anywhere.hosts.recording import Recording
from anywhere.model import Status
from anywhere.redact import redact

# Any status of the agent's own server proves the path.
_READ = (
    "wget -S -T 5 -O /dev/null http://169.254.170.2/v2/credentials/x 2>&1 || "
    "curl -sSi --max-time 5 http://169.254.170.2/v2/credentials/x 2>&1 || "
    "printf 'GET /v2/credentials/x HTTP/1.0\\r\\n\\r\\n' | nc -w 5 169.254.170.2 80 2>&1"
)


def credentials_proof(host: Host, image: str) -> tuple[str, str]:
    """A cause code and what is wrong; both empty where every request got through. A container is started only where an
    image is named: it must have sh, and wget, curl or nc."""
    for one in judge_proof(host, Recording(host)):
        if one.status is Status.FAIL:
            return one.cause, one.summary
    if not image:
        return "", ""
    argv = ("docker", "run", "--rm", "--pull=missing", "--entrypoint=sh", image, "-c", _READ)
    done = host.run(argv, timeout=120)
    said = (done.stdout + done.stderr).strip()
    return ("", "") if "HTTP/1" in said else ("rules.shadowed", f"{image}: {redact(said)[-300:] or f'rc {done.rc}'}")
