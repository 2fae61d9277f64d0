"""The stand-in packages and the buckets they lie in, built into a cache when what they are made of has changed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

from tests.region.certificates import folder
from tests.region.packages.keys import sign
from tests.region.software import AGENT_VERSION, ECS_UNIT, SSM_UNIT, SSM_VERSION

PROGRAMS = Path(__file__).parent / "programs"
SHARED = ("aws", "vault", "whims", "docker", "ecs_log", "state", "acs", "introspection")
IMAGE = "amazon/amazon-ecs-agent:latest"
CONTROL = """Package: {name}
Version: {version}
Architecture: {arch}
Maintainer: The region <packages@region.example.com>
Section: admin
Priority: optional
Depends: {depends}
Description: Stand-in of the region for {name}
 Speaks the real agent's protocol to the region's control plane.
"""
DOCKER = "systemd, docker-ce (>= 17.12.0) | docker-engine (>= 1.6.0) | docker-ee | docker.io"
ECS_POSTINST = "#!/bin/sh\nset -e\n[ ! -d /run/systemd/system ] || systemctl daemon-reload || true\n"
# As the real package: enabled and started at once, before any registration.
SSM_POSTINST = """#!/bin/sh
echo "Starting agent"
if [ -d /run/systemd/system ]; then
    systemctl enable amazon-ssm-agent
    systemctl start amazon-ssm-agent
    systemctl daemon-reload
fi
exit 0
"""
SSM_PRERM = """#!/bin/sh
echo "Stopping agent"
if [ -d /run/systemd/system ]; then
    systemctl stop amazon-ssm-agent
    systemctl disable amazon-ssm-agent
    systemctl daemon-reload
fi
exit 0
"""


def packages(arch: str = "amd64") -> Path:
    """The folder with the buckets `ssm` and `ecs` for this architecture, signed by the key `packages`."""
    digest = hashlib.sha256(f"{arch} {AGENT_VERSION} {SSM_VERSION} {ECS_UNIT} {SSM_UNIT}".encode())
    for path in (Path(__file__), *sorted(PROGRAMS.glob("*.py"))):
        digest.update(path.read_bytes())
    made = folder() / f"packages-{digest.hexdigest()[:16]}"
    if not made.exists():
        half = folder() / f"packages.{time.monotonic_ns()}"
        _build(half, arch)
        try:
            half.rename(made)
        except OSError:
            shutil.rmtree(half)  # Another run was faster.
    return made


def program(*modules: str) -> bytes:
    """A program of one file: the first module is its main one."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        names = {modules[0]: "__main__", **{name: name for name in SHARED}}
        for name, target in names.items():
            archive.writestr(zipfile.ZipInfo(f"{target}.py"), (PROGRAMS / f"{name}.py").read_bytes())
    return b"#!/usr/bin/python3\n" + data.getvalue()


def _build(root: Path, arch: str) -> None:
    ssm, ecs = root / "ssm", root / "ecs"
    cli = b"#!/bin/sh\necho 'stand-in'\n"
    files = {
        "usr/bin/amazon-ssm-agent": (program("ssm_agent"), 0o755),
        "usr/bin/ssm-agent-worker": (program("ssm_worker"), 0o755),
        "usr/bin/ssm-cli": (cli, 0o755),
        "lib/systemd/system/amazon-ssm-agent.service": (SSM_UNIT.encode(), 0o644),
        "DEBIAN/control": (_control("amazon-ssm-agent", f"{SSM_VERSION}-1", arch, "libc6, python3, openssl"), 0o644),
        "DEBIAN/postinst": (SSM_POSTINST.encode(), 0o755),
        "DEBIAN/prerm": (SSM_PRERM.encode(), 0o755),
    }  # fmt: skip
    for name in (SSM_VERSION, "latest"):
        target = ssm / name / f"debian_{arch}"
        target.mkdir(parents=True)
        _deb(files, target / "amazon-ssm-agent.deb")
        sign(target / "amazon-ssm-agent.deb", target / "amazon-ssm-agent.deb.sig")
        (target / "ssm-setup-cli").write_bytes(program("setup_cli"))
        sign(target / "ssm-setup-cli", target / "ssm-setup-cli.sig")
        (ssm / name / "VERSION").write_text(SSM_VERSION)
    _binaries(ssm / SSM_VERSION / f"linux_{arch}")
    _ecs(ecs, arch)


def _binaries(target: Path) -> None:
    """What ECS Exec brings into containers."""
    target.mkdir()
    with tarfile.open(target / "amazon-ssm-agent-binaries.tar.gz", "w:gz") as archive:
        for name in ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker"):
            _add(archive, name, b"#!/bin/sh\nexit 0\n", 0o755)


def _ecs(ecs: Path, arch: str) -> None:
    ecs.mkdir()
    version = f"{AGENT_VERSION}-1"
    files = {
        "usr/libexec/amazon-ecs-init": (program("ecs_init"), 0o755),
        "lib/systemd/system/ecs.service": (ECS_UNIT.format(exits="").encode(), 0o644),
        "var/cache/ecs/ecs-agent.tar": (image(arch), 0o644),
        "var/cache/ecs/state": (b"2\n", 0o644),
        "DEBIAN/control": (_control("amazon-ecs-init", version, arch, f"{DOCKER}, python3"), 0o644),
        "DEBIAN/postinst": (ECS_POSTINST.encode(), 0o755),
    }  # fmt: skip
    first = ecs / f"amazon-ecs-init-{version}.{arch}.deb"
    _deb(files, first)
    sign(first, ecs / f"{first.name}.asc", armor=True)
    latest = ecs / f"amazon-ecs-init-latest.{arch}.deb"
    shutil.copy(first, latest)
    shutil.copy(f"{first}.asc", f"{latest}.asc")


def _control(name: str, version: str, arch: str, depends: str) -> bytes:
    return CONTROL.format(name=name, version=version, arch=arch, depends=depends).encode()


def _deb(files: dict[str, tuple[bytes, int]], target: Path) -> None:
    tree = target.with_suffix(".tree")
    for name, (content, mode) in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    for path, _, _ in os.walk(tree):
        os.chmod(path, 0o755)
    argv = ("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(target))
    subprocess.run(argv, check=True, capture_output=True)
    shutil.rmtree(tree)


def image(arch: str) -> bytes:
    """The agent's image as `docker load` takes it: the program alone; ecs-init lends it the host's Python."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for name in (
            "etc",
            "log",
            "data",
            "tmp",
            "rotatingcreds",
            "usr",
            "lib",
            "lib64",
            "bin",
            "var",
            "root",
            "proc",
            "sys",
            "dev",
        ):
            _add(archive, name, None, 0o755)
        _add(archive, "agent", program("ecs_agent"), 0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = {
        "architecture": arch, "os": "linux", "config": {"Entrypoint": ["/agent"], "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}, "history": [{"created_by": "the region"}],
    }  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        _add(archive, "config.json", json.dumps(config).encode(), 0o644)
        _add(archive, "layer.tar", layer.getvalue(), 0o644)
        _add(archive, "manifest.json", json.dumps(manifest).encode(), 0o644)
    return out.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes | None, mode: int) -> None:
    """A file, or a folder when there is no content."""
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if content is None:
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
        return
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
