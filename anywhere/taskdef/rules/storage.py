"""Rules on volumes: what needs AWS's storage services, and what hosts have themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from anywhere.taskdef.rule import (
    EC2,
    EVERY,
    EXTERNAL,
    FARGATE,
    Case,
    Mark,
    fail,
    note,
    over,
    put,
    remove,
    rule,
    skip,
    warn,
)
from anywhere.taskdef.rules import sources
from anywhere.taskdef.shapes.faults import is_placeholder, show
from anywhere.taskdef.source.node import Node

VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_FSX_CREDENTIALS = re.compile(r"arn:[^:]+:(?:secretsmanager:[^:]*:[^:]*:.|ssm:[^:]*:[^:]*:.*parameter.)")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
# Paths that docker has on Windows: with a drive, or of a named pipe. Source: moby, windows_parser.go.
_WINDOWS_PATH = re.compile(r"(?:\\\\\?\\)?[A-Za-z]:(?:[\\/]|\Z)|[\\/]{2}\.[\\/]pipe[\\/].", re.IGNORECASE)
_WINDOWS_ROOT = re.compile(r"[Cc]:[\\/]?\Z")
_NO_EFS = "mount the share on the hosts and bind it (host.sourcePath), or use a docker volume over NFS"


@rule(
    "taskdef.efs",
    "EFS volumes",
    scope="volume",
    meaning="External instances have no EFS volumes. The agent still advertises them, so placement does not stop "
    "such a task: it fails when it starts. Elsewhere they need Linux containers; IAM authorization and access points need "
    "encryption in transit, and so does a port for it.",
    fine="no EFS volume where there is none",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.API}, type EFSVolumeConfiguration; {sources.GUIDE}, "
    f"using_data_volumes; {sources.SEEN}, pf-ecs-efs-transit-encryption-port-without-encryption",
)
def efs(case: Case, node: Node) -> Iterator[Mark]:
    volume = node.at("efsVolumeConfiguration")
    if node.at("s3filesVolumeConfiguration").present and case.launch == EXTERNAL:
        yield skip(node, "no source says whether S3 Files volumes work on external instances")
    if case.launch == EXTERNAL:
        if volume.present:
            yield fail(volume, "external instances have no EFS volumes; the task would fail at its start", _NO_EFS)
        yield from _by_nfs(node.at("dockerVolumeConfiguration"))
    elif volume.filled:
        yield from over([volume], _access)
        if case.windows:
            yield fail(volume, "Windows containers have no EFS volumes", "use FSx for Windows File Server on EC2")


def _by_nfs(volume: Node) -> Iterator[Mark]:
    options = volume.at("driverOpts")
    for key in options.raw if isinstance(options.raw, dict) else ():
        literal = options.at(key).literal()
        if ".efs." in literal and "amazonaws" in literal:
            why = "mounts EFS over NFS: AWS does not support EFS on external instances"
            yield warn(options.at(key), why, "use a file server of the site")


def _access(volume: Node) -> Iterator[Mark]:
    access, transit = volume.at("authorizationConfig"), volume.at("transitEncryption")
    point, root = access.at("accessPointId"), volume.at("rootDirectory")
    if (access.at("iam").text() == "ENABLED" or point.filled) and transit.text() != "ENABLED":
        why = "IAM authorization and access points need encryption in transit"
        yield fail(transit, why, "set transitEncryption to ENABLED", put(transit, "ENABLED"))
    if point.filled and root.text() not in ("", "/"):
        yield fail(root, "an access point sets the root directory itself", "leave it out", remove(root))
    port = volume.at("transitEncryptionPort")
    if port.number() and transit.text() != "ENABLED":  # Terraform shows 0 where there is none
        yield warn(port, "a port for encryption in transit, which is not enabled", "take it out", remove(port))


@rule(
    "taskdef.ebs",
    "EBS volumes",
    scope="definition",
    meaning="Volumes configured at launch are EBS volumes. External agents take that capability out; elsewhere a "
    "definition may have one, which a container mounts. Windows containers have them on EC2 only.",
    fine="no EBS volume where there is none",
    source=f"{sources.AGENT_CAPABILITY}; {sources.REGISTER}, field configuredAtLaunch; {sources.GUIDE}, using_data_volumes; "
    f"{sources.SEEN}, pf-ecs-volume-not-referenced",
)
def ebs(case: Case, node: Node) -> Iterator[Mark]:
    launched = [volume for volume in case.volumes if volume.at("configuredAtLaunch").flag()]
    if case.launch == EXTERNAL:
        for volume in launched:
            why = "external instances have no EBS volumes: the task is never placed"
            yield fail(volume.at("configuredAtLaunch"), why, "bind a path of the host (host.sourcePath)")
    elif len(launched) > 1:
        yield fail(launched[1], "only one volume of a definition can be configured at launch", "keep one")
    elif launched and case.launch == FARGATE and case.windows:
        text = "Windows containers have EBS volumes on EC2 only"
        yield fail(launched[0].at("configuredAtLaunch"), text, "take the volume out, or run the task on EC2")
    if case.launch != EXTERNAL:
        yield from over(launched, lambda volume: _unmounted(case, volume), quiet=True)


def _unmounted(case: Case, volume: Node) -> Iterator[Mark]:
    mounts = [mount for container in case.containers for mount in container.at("mountPoints").each()]
    if volume.at("name").filled and volume.at("name").text() not in [m.at("sourceVolume").text() for m in mounts]:
        text = (
            f"no container mounts the volume {volume.at('name').text()}: ECS refuses that of one configured at launch"
        )
        yield fail(volume, text, "mount it, or take it out")


@rule(
    "taskdef.fsx",
    "FSx for Windows File Server",
    scope="volume",
    meaning="FSx volumes need Windows containers, and a secret or parameter that is named by its ARN. On external hosts they "
    "also need a network link between the site and the VPC, and a domain to join. Fargate has none.",
    fine="no FSx volume that cannot be mounted",
    source=f"{sources.EXTERNAL_PAGE}, FSx for Windows File Server; {sources.API}, type "
    "FSxWindowsFileServerAuthorizationConfig; amazon-ecs-agent, fsxwindowsfileserver_windows.go, retrieveCredentials",
)
def fsx(case: Case, node: Node) -> Iterator[Mark]:
    volume = node.at("fsxWindowsFileServerVolumeConfiguration")
    if not volume.present:
        return
    if case.launch == FARGATE:
        yield fail(volume, "Fargate has no FSx for Windows volumes", "use EFS, or EC2 instances")
    elif case.launch in (EC2, EXTERNAL) and not case.says_system:
        yield skip(volume, "needs Windows containers: the definition does not say which system it is for")
    elif not case.windows:
        yield fail(volume, "FSx for Windows volumes need Windows containers", "use a Windows definition, or NFS")
    elif case.launch == EXTERNAL:
        why = "needs a network link from the site to the VPC, and hosts joined to the file system's domain"
        yield warn(volume, why, "prove the link first: VPN or Direct Connect, ports 445 and 5985")
    if case.launch in (EC2, EXTERNAL):
        yield from over([volume.at("authorizationConfig", "credentialsParameter")], _credentials, quiet=True)


def _credentials(parameter: Node) -> Iterator[Mark]:
    text = parameter.text()
    if parameter.present and not _FSX_CREDENTIALS.match(text) and not is_placeholder(text):
        why = f"{show(text)} is not the ARN of a secret or a parameter: the agent does not start the task"
        yield fail(parameter, why, "write the ARN of a secret, or arn:aws:ssm:REGION:ACCOUNT:parameter/NAME")


@rule(
    "taskdef.host-path",
    "paths of the host",
    scope="volume",
    meaning="A bind mount with a source path uses the host's own folder: fine on EC2 and external instances, "
    "refused on "
    "Fargate. Docker creates a missing folder, empty and owned by root, and reads what does not begin with / as the name "
    "of a volume.",
    fine="no path of a host that there is none of",
    source=f"{sources.API}, type HostVolumeProperties; {sources.MOBY}, daemon/volume/mounts/linux_parser.go and "
    "daemon/volume/local/local.go; aws/amazon-ecs-cli#11",
)
def host_path(case: Case, node: Node) -> Iterator[Mark]:
    path = node.at("host", "sourcePath")
    if path.raw == "":
        text = 'sourcePath is "": ECS has refused that, although the API text allows it'
        yield warn(path, text, "leave sourcePath out", remove(path))
    if not path.filled:
        return
    if case.launch == FARGATE:
        yield fail(path, "Fargate has no host paths", "leave the source path out, or use EFS", remove(path))
    elif mark := _relative(case, path):
        yield mark
    elif case.launch == EXTERNAL:
        yield note(path, f"every host that may run this needs {path.literal() or 'the path'}")


def _relative(case: Case, path: Node) -> Mark | None:
    """What docker makes of a source that is no absolute path of the containers' system."""
    text = path.text() if path.known else "/"
    if not path.known or is_placeholder(text) or may_be_drive(case, text):
        return None
    if _WINDOWS_PATH.match(text) if case.windows else text.startswith("/"):
        return None
    if case.windows and re.search(r"[\\/]", text):
        why = f"{show(text)} is not a path of Windows: docker refuses it"
        return fail(path, why, "write a path with its drive, such as C:\\data")
    if not VOLUME_NAME.match(text):
        why = f"{show(text)} is not an absolute path: docker reads it as a volume name and refuses it"
        return fail(path, why, "write an absolute path")
    why = f"docker mounts a volume named {text}, not a folder of the host"
    return warn(path, why, "write an absolute path, or use dockerVolumeConfiguration")


def may_be_drive(case: Case, text: str) -> bool:
    """Whether a path is one of Windows and nothing says that the containers are of Linux."""
    return not case.says_system and _DRIVE.match(text) is not None


_KINDS = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch",
)


@rule(
    "taskdef.volumes",
    "volumes and mount points",
    scope="definition",
    launch=EVERY,
    meaning="A volume has a name and is of one kind. A mount point names a volume and a path in the container, absolute on "
    "Linux, that is not / and that no other mount or tmpfs of the container has; on Windows both are on one drive, which the "
    "path names, and not its root C:. "
    "`autoprovision` counts for shared docker volumes only; S3 Files needs a task role.",
    fine="volumes of one kind, each mounted at a path of its own",
    source=f"{sources.API}, types Volume, DockerVolumeConfiguration and S3FilesVolumeConfiguration; {sources.MOBY}, "
    "daemon/volumes.go, daemon/volume/mounts/linux_parser.go and windows_parser.go; dask/dask-cloudprovider#107 and "
    "blinkist/terraform-aws-airship-ecs-service#46 (Unknown volume 'null')",
)
def volumes(case: Case, node: Node) -> Iterator[Mark]:
    yield from over(case.volumes, lambda volume: _volume(case, volume), quiet=True)
    for container in case.containers:
        paths: set[str | None] = set()
        for mount in container.at("mountPoints").each():
            path = mount.at("containerPath")
            yield from over([mount], lambda mount: _path(case, mount), quiet=True)
            yield from over([mount], lambda mount: _across(case, mount), quiet=True)
            place = normpath(path.raw) if isinstance(path.raw, str) and path.raw else None
            if place in paths:
                text = f"a second volume is mounted at {place}: docker refuses the same path twice"
                yield warn(path, text, "mount it elsewhere, or keep one", remove(mount))
            elif case.launch in (EXTERNAL, EC2) and place in _tmpfs(container):
                text = f"a volume and a tmpfs are mounted at {place}: docker refuses the same path twice"
                yield fail(path, text, "mount one of them elsewhere")
            paths |= {place} if place else set()


def _tmpfs(container: Node) -> list[object]:
    return [item.at("containerPath").raw for item in container.at("linuxParameters", "tmpfs").each()]


def _volume(case: Case, volume: Node) -> Iterator[Mark]:
    kinds = [name for name in _KINDS if (node := volume.at(name)).raw not in (False, "false") and node.present]
    if len(kinds) > 1:
        yield fail(volume, f"a volume of two kinds: {' and '.join(kinds)}", "keep one")
    if not volume.at("name").filled:
        yield warn(volume, "a volume without a name: no container can mount it", "give it a name")
    docker = volume.at("dockerVolumeConfiguration")
    if docker.at("autoprovision").flag() and docker.at("scope").text() in ("", "task"):
        text = "autoprovision counts for the scope shared only, and this volume has the scope task"
        yield warn(
            docker.at("autoprovision"), text, "take it out, or use the scope shared", remove(docker.at("autoprovision"))
        )
    efs = volume.at("efsVolumeConfiguration")
    port = efs.at("transitEncryptionPort")
    if efs.at("fileSystemId").raw == "":
        yield warn(efs.at("fileSystemId"), 'the file system is ""', "name the file system")
    is_used = efs.at("transitEncryption").text() == "ENABLED"
    is_written = case.definition is not None and case.definition.place.encode is not None
    number = port.number() or (0 if is_written and port.present else None)  # Terraform shows 0 where there is none
    if is_used and number is not None and not 1 <= number <= 65535:
        yield warn(port, f"{number} is not a port", "leave it out: the mount helper chooses one", remove(port))
    yield from _s3_files(case, volume.at("s3filesVolumeConfiguration"))


def _s3_files(case: Case, volume: Node) -> Iterator[Mark]:
    if not volume.filled:
        return
    if not case.node.at("taskRoleArn").filled:
        yield fail(volume, "S3 Files needs a task role, and the definition has none", "set taskRoleArn")
    root = volume.at("rootDirectory")
    if volume.at("accessPointArn").filled and root.text() not in ("", "/"):
        yield fail(root, "an access point sets the root directory itself", "leave it out", remove(root))


def _across(case: Case, mount: Node) -> Iterator[Mark]:
    """A folder of one drive of Windows that is mounted on another."""
    path, name = mount.at("containerPath").text(), mount.at("sourceVolume").text()
    sources = [volume.at("host", "sourcePath").text() for volume in case.volumes if volume.at("name").text() == name]
    for source in sources if case.windows and _DRIVE.match(path) else ():
        if _DRIVE.match(source) and source[0].lower() != path[0].lower():
            text = f"{show(source)} is mounted at {show(path)}: AWS rules out mounts across drives of Windows"
            yield warn(mount.at("containerPath"), text, f"mount it on {source[:2].upper()}")


def _path(case: Case, mount: Node) -> Iterator[Mark]:
    path = mount.at("containerPath")
    if not mount.at("sourceVolume").filled:
        yield fail(mount, "a mount point without sourceVolume: ECS refuses it", "name a volume")
    if not path.filled:
        yield fail(mount, "a mount point without containerPath", "give the path in the container")
    elif is_placeholder(path.text()) or path.text().startswith("$") or may_be_drive(case, path.text()):
        return
    elif case.windows:
        yield from _windows_path(case, path)
    elif not path.text().startswith("/"):
        yield fail(path, f"{show(path.text())} is not an absolute path", "begin it with /")
    elif case.launch in (EXTERNAL, EC2) and normpath("/" + path.text().lstrip("/")) == "/":
        yield fail(path, "docker refuses a mount at /", "mount it at a folder, such as /data")


def _windows_path(case: Case, path: Node) -> Iterator[Mark]:
    """Where docker mounts nothing in a Windows container. Of Fargate's own runtime it is not established."""
    text = path.text()
    if case.launch not in (EXTERNAL, EC2):
        return
    if _WINDOWS_ROOT.match(text):
        yield fail(
            path, f"docker refuses a mount at {text} of a Windows container", "mount it at a folder of the drive"
        )
    elif not _WINDOWS_PATH.match(text):
        why = f"{show(text)} has no drive: docker starts no Windows container with it"
        yield fail(path, why, "write a path with its drive, such as C:\\data")
