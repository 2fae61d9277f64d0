"""What is installed on the host: Docker, the two agents, their registration, and the rules that ecs-init leaves.

The files and their contents are those of the real packages as far as a check reads them; the daemons are stand-ins.
"""

from __future__ import annotations

import json
import time
from typing import Any

from tests.region.host import Daemon, Unit
from tests.region.world import World

INSTANCE = "mi-0123456789abcdef0"
ACCOUNT = "123456789012"
CLUSTER = "plant-7"
DOCKER, ECS, SSM = "docker.service", "ecs.service", "amazon-ssm-agent.service"
DOCKERD, AGENT, ECS_INIT, SSM_AGENT = (
    "/usr/bin/dockerd",
    "/agent",
    "/usr/libexec/amazon-ecs-init",
    "/usr/bin/amazon-ssm-agent",
)
AGENT_VERSION, SSM_VERSION = "1.105.1", "3.3.4108.0"
SOCKET = "/run/docker.sock"
EXEC = "/var/lib/ecs/deps/execute-command"

DOCKER_UNIT = """[Unit]
Description=Docker Application Container Engine
After=network-online.target docker.socket containerd.service
Wants=network-online.target containerd.service
Requires=docker.socket

[Service]
Type=notify
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
Restart=always
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
"""
ECS_UNIT = """[Unit]
Description=Amazon Elastic Container Service - container agent
Wants=docker.service
PartOf=docker.service
After=docker.service

[Service]
Type=simple
Restart=on-failure
{exits}RestartSec=10s
EnvironmentFile=-/var/lib/ecs/ecs.config
EnvironmentFile=-/etc/ecs/ecs.config
ExecStartPre=/usr/libexec/amazon-ecs-init pre-start
ExecStart=/usr/libexec/amazon-ecs-init start
ExecStop=/usr/libexec/amazon-ecs-init stop
ExecStopPost=/usr/libexec/amazon-ecs-init post-stop

[Install]
WantedBy=multi-user.target
"""
SSM_UNIT = """[Unit]
Description=Amazon SSM Agent
Wants=network-online.target
After=network-online.target nss-lookup.target

[Service]
Type=simple
WorkingDirectory=/usr/bin/
ExecStart=/usr/bin/amazon-ssm-agent
KillMode=process
Restart=always
RestartPreventExitStatus=194
RestartSec=90

[Install]
WantedBy=multi-user.target
"""
NAT = (
    ":DOCKER - [0:0]",
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A DOCKER -i docker0 -j RETURN",
)
FILTER = (
    ":DOCKER - [0:0]",
    ":DOCKER-USER - [0:0]",
    "-A FORWARD -j DOCKER-USER",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -o docker0 -j DOCKER",
    "-A FORWARD -i docker0 -j ACCEPT",
    "-A DOCKER-USER -j RETURN",
)
TO_AGENT = "-A PREROUTING -d 169.254.170.2/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:51679"
FROM_HOST = "-A OUTPUT -d 169.254.170.2/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 51679"
BRIDGE = "-A INPUT -i docker0 -p tcp -m tcp --dport 51678 -j ACCEPT"
OFF_HOST = "-A INPUT ! -i lo -p tcp -m tcp --dport 51678 -j DROP"
GUARD = "-A INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"


def network(name: str, subnet: str, gateway: str, default: bool = False) -> dict[str, Any]:
    """A bridge network as the Engine API shows it."""
    identity = (name.encode().hex() * 32)[:64]
    options = {"com.docker.network.bridge.name": "docker0"} if default else {}
    options |= {"com.docker.network.bridge.default_bridge": "true"} if default else {}
    pool = {"Subnet": subnet, "Gateway": gateway}
    return {
        "Name": name, "Id": identity, "Scope": "local", "Driver": "bridge", "EnableIPv6": False, "Internal": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": [pool]}, "Containers": {}, "Options": options,
    }  # fmt: skip


def api(version: str, newest: str, oldest: str, **changes: Any) -> dict[str, object]:
    """The Engine API's answers: path to JSON value."""
    engine = {"Name": "Engine", "Version": version, "Details": {"ApiVersion": newest, "MinAPIVersion": oldest}}
    bridge = network("bridge", "172.17.0.0/16", "172.17.0.1", default=True)
    answers: dict[str, Any] = {
        "/version": {
            "Platform": {"Name": "Docker Engine - Community"}, "Components": [engine], "Version": version,
            "ApiVersion": newest, "MinAPIVersion": oldest, "Os": "linux", "Arch": "amd64",
        },
        "/info": {
            "ServerVersion": version, "DockerRootDir": "/var/lib/docker", "CgroupDriver": "systemd",
            "CgroupVersion": "2", "Driver": "overlay2", "MemoryLimit": True, "CpuCfsQuota": True, "OSType": "linux",
            "Architecture": "x86_64", "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
            "HttpProxy": "", "HttpsProxy": "", "NoProxy": "", "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
        },
        "/containers/json": [],
        "/images/json": [],
    }  # fmt: skip
    for path, fields in changes.items():
        answers[f"/{path}"] |= fields
    return add_networks(answers, bridge)


def add_networks(answers: dict[str, Any], *networks: dict[str, Any]) -> dict[str, Any]:
    """The answers with these networks too."""
    answers["/networks"] = [*answers.get("/networks", []), *networks]
    for one in networks:
        answers |= {f"/networks/{key}": one for key in (one["Id"], one["Id"][:12], one["Name"])}
    return answers


def add_docker(
    world: World,
    version: str = "27.5.1",
    newest: str = "1.47",
    oldest: str = "1.24",
    environment: dict[str, str] | None = None,
    **changes: Any,
) -> Daemon:
    """Docker CE, enabled and running; `changes` are fields of its `/version` and `/info`."""
    host = world.host
    daemon = Daemon(DOCKERD, environment or {}, socket=SOCKET, serves="docker")
    daemon.state = api(version, newest, oldest, **changes)
    host.daemons.append(daemon)
    host.stubs["/usr/bin/docker"] = "docker.py"
    host.units[DOCKER] = Unit(DOCKER_UNIT, main=DOCKERD)
    host.units["docker.socket"] = Unit(f"[Socket]\nListenStream={SOCKET}\nSocketMode=0660\n")
    host.packages |= {"docker-ce": f"5:{version}-1~debian.12~bookworm", "containerd.io": "1.7.25-1"}
    host.folders.append("/var/lib/docker")
    host.network += ["link add docker0 type bridge", "addr add 172.17.0.1/16 dev docker0", "link set docker0 up"]
    host.iptables |= {"iptables-nft": {"nat": list(NAT), "filter": list(FILTER)}}
    host.sysctls.setdefault("net/ipv4/ip_forward", "1")  # which docker switches on when it starts
    return daemon


def docker_of(world: World) -> Daemon:
    """The engine, installed now if it was not."""
    return next((one for one in world.host.daemons if one.name == DOCKERD), None) or add_docker(world)


def daemon_of(world: World, name: str) -> Daemon:
    """A daemon that is installed."""
    return next(one for one in world.host.daemons if one.name == name)


def stop(world: World, name: str, *units: str) -> None:
    """No such process, and systemd says so of these units."""
    world.host.daemons = [one for one in world.host.daemons if one.name != name]
    for unit in units:
        world.host.units[unit].active = False


def register(world: World, docker: bool = True) -> None:
    """A host whose agents are installed, registered, running and connected. One that is stays as it is."""
    if docker:
        docker_of(world)
    if any(one.name == AGENT for one in world.host.daemons):
        return
    _add_ssm_agent(world)
    _add_ecs_agent(world)
    _add_exec(world)
    apply_rules(world)
    world.host.sysctls |= {"net/ipv4/conf/all/route_localnet": "1"}
    world.host.sysctls |= {"net/ipv4/ip_local_reserved_ports": "51678-51680"}


def _add_exec(world: World) -> None:
    """What AWS's installer leaves for ECS Exec; the certificates are a copy of what the host trusted then."""
    for name in ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker"):
        world.host.programs[f"{EXEC}/bin/{SSM_VERSION}/{name}"] = "#!/bin/sh\nexit 0\n"
    world.host.bundles[f"{EXEC}/certs/tls-ca-bundle.pem"] = world.host.trusted
    world.host.folders.append(f"{EXEC}/config")


def _add_ssm_agent(world: World) -> None:
    host, region = world.host, world.options.regions[0]
    host.daemons.append(Daemon(SSM_AGENT))
    host.daemons.append(Daemon("/usr/bin/ssm-agent-worker"))
    host.units[SSM] = Unit(SSM_UNIT, main=SSM_AGENT)
    host.packages["amazon-ssm-agent"] = f"{SSM_VERSION}-1"
    host.programs[SSM_AGENT] = f"#!/bin/sh\necho 'SSM Agent version: {SSM_VERSION}'\n"
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2400))
    key = {
        "instanceID": INSTANCE, "region": region, "instanceType": "", "availabilityZone": "",
        "privateKey": "c2VjcmV0LXByaXZhdGUta2V5", "publicKey": "", "privateKeyType": "Rsa", "privateKeyCreatedDate": "",
    }  # fmt: skip
    identity = {
        "SchemaVersion": "1.1", "InstanceId": INSTANCE, "IdentityType": "OnPrem", "ShareFile": "/root/.aws/credentials",
        "ShareProfile": "", "CredentialsExpiresAt": ends, "CredentialSource": "SSM",
    }  # fmt: skip
    keys = "aws_access_key_id = ASIAEXAMPLEEXAMPLE\naws_secret_access_key = secret\naws_session_token = token\n"
    put_secret(world, "/var/lib/amazon/ssm/Vault/Store/RegistrationKey", json.dumps(key))
    put_secret(world, "/var/lib/amazon/ssm/Vault/Manifest", "{}")
    put_secret(world, "/var/lib/amazon/ssm/registration", json.dumps({"ManagedInstanceID": INSTANCE, "Region": region}))
    put_secret(world, "/var/lib/amazon/ssm/runtimeconfig/identity_config.json", json.dumps(identity))
    put_secret(world, "/root/.aws/credentials", f"[default]\n{keys}")
    host.files["/var/log/amazon/ssm/amazon-ssm-agent.log"] = ssm_log()


def put_secret(world: World, path: str, text: str) -> None:
    """A file that only root may read."""
    world.host.files[path] = text
    world.host.modes[path] = 0o600


def ssm_log(*more: str) -> str:
    """The agent's log: a start an hour ago, credentials, the control channel, and further messages."""
    messages = [
        f"[amazon-ssm-agent] amazon-ssm-agent - v{SSM_VERSION}",
        "[amazon-ssm-agent] [Registrar] Starting registrar module",
        "[CredentialRefresher] Credentials ready",
        "[CredentialRefresher] Next credential rotation will be in 29.9 minutes",
        f"[ssm-agent-worker] amazon-ssm-agent - v{SSM_VERSION}",
        "[ssm-agent-worker] [MessageService] [MGSInteractor] Set up control channel",
        *more,
    ]
    start = time.time() - 3600
    stamps = [time.strftime("%Y-%m-%d %H:%M:%S.0000", time.gmtime(start + 2 * n)) for n in range(len(messages))]
    return "".join(f"{stamp} INFO {one}\n" for stamp, one in zip(stamps, messages, strict=True))


def _add_ecs_agent(world: World) -> None:
    host, region = world.host, world.options.regions[0]
    environment = {"ECS_CLUSTER": CLUSTER, "AWS_DEFAULT_REGION": region, "ECS_EXTERNAL": "true"}
    environment |= {"ECS_DATADIR": "/data", "SSL_CERT_DIR": "/etc/ssl/certs"}
    arn = f"arn:aws:ecs:{region}:{ACCOUNT}:container-instance/{CLUSTER}/1f73d099b1914d7c8f1d2c2a1f2b3c4d"
    agent = Daemon(AGENT, environment, [("0.0.0.0", 51678), ("127.0.0.1", 51679)], serves="introspection")
    said = f"Amazon ECS Agent - v{AGENT_VERSION} (*8dfceca6)"
    agent.state = {"/v1/metadata": {"Cluster": CLUSTER, "ContainerInstanceArn": arn, "Version": said}}
    agent.state["/v1/tasks"] = {"Tasks": []}
    host.daemons += [agent, Daemon(ECS_INIT)]
    host.units[ECS] = Unit(ECS_UNIT.format(exits=""), main=ECS_INIT)
    host.packages["amazon-ecs-init"] = f"{AGENT_VERSION}-1"
    host.programs[ECS_INIT] = "#!/bin/sh\nexit 0\n"
    host.files |= {
        "/etc/ecs/ecs.config": f"ECS_CLUSTER={CLUSTER}\n",
        "/var/lib/ecs/ecs.config": f"AWS_DEFAULT_REGION={region}\nECS_EXTERNAL=true\n",
        "/var/lib/ecs/data/agent.db": b"\0" * 64,
        "/var/log/ecs/ecs-agent.log": agent_log(world),
        "/var/log/ecs/ecs-init.log": f'level=info time={_stamp(0)} msg="post-start"\n',
    }


def agent_log(world: World, *more: str, healthy: bool = True) -> str:
    """The agent's log since its start an hour ago; without `healthy` it ends before the channels are up."""
    base = f"{world.options.regions[0]}.{world.suffix}"
    lines = [
        f'level=info msg="Starting Amazon ECS Agent" version="{AGENT_VERSION}" commit="8dfceca6"',
        'level=info msg="Registration completed successfully" module=agent.go',
        'level=info msg="Registered container instance with cluster!"',
    ]
    channels = [
        f'level=info msg="Establishing a Websocket connection" url="https://ecs-a-1.{base}/ws?agentVersion={AGENT_VERSION}"',
        f'level=info url="https://ecs-t-1.{base}/ws?cluster={CLUSTER}" msg="Establishing a Websocket connection"',
        'level=info msg="Connected to ACS endpoint"',
        'level=info msg="Connected to TCS endpoint"',
    ]
    rows = [*lines, *(channels if healthy else []), *more]
    return "".join(row.replace(" ", f" time={_stamp(n)} ", 1) + "\n" for n, row in enumerate(rows))


def _stamp(number: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600 + number))


def apply_rules(world: World, backend: str = "iptables-nft") -> None:
    """What `amazon-ecs-init pre-start` does: rules inserted in front of the filter, appended to nat."""
    four = world.host.iptables.setdefault(backend, {"nat": [], "filter": []})
    four["nat"] += [TO_AGENT, FROM_HOST]
    four["filter"] += [BRIDGE, OFF_HOST, GUARD]
    six = world.host.iptables.setdefault(backend.replace("iptables", "ip6tables"), {"filter": []})
    six["filter"] += [BRIDGE, OFF_HOST]


def remove_rules(world: World, *rules: str) -> None:
    """Take rules out of every table."""
    for tables in world.host.iptables.values():
        for lines in tables.values():
            lines[:] = [line for line in lines if line not in rules]


def set_proxy(world: World, environment: dict[str, str], *components: str) -> None:
    """Give components (docker, ecs-agent, ssm-agent) a proxy, in their documented places and their processes."""
    lines = "[Service]\n" + "".join(f'Environment="{name}={value}"\n' for name, value in environment.items())
    for component in components:
        unit, name = {"docker": (DOCKER, DOCKERD), "ecs-agent": (ECS, AGENT), "ssm-agent": (SSM, SSM_AGENT)}[component]
        world.host.files[f"/etc/systemd/system/{unit}.d/http-proxy.conf"] = lines
        daemon_of(world, name).environment |= environment
        if component == "ecs-agent":
            text = world.host.files["/etc/ecs/ecs.config"]
            assert isinstance(text, str)
            world.host.files["/etc/ecs/ecs.config"] = text + "".join(f"{k}={v}\n" for k, v in environment.items())
