"""amazon-ecs-init: pre-start, start, stop, post-stop, as the unit calls them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import docker
from docker import Refused, ask

IMAGE, NAME = "amazon/amazon-ecs-agent:latest", "ecs-agent"
LOG = "/var/log/ecs/ecs-init.log"
CACHE = "/var/cache/ecs"
FILES = ("/var/lib/ecs/ecs.config", "/etc/ecs/ecs.config")
FINAL, CRASHED, UPDATE = 5, 2, 42
NEWEST = 44  # of the API's versions that the agent speaks: 1.44
TO_AGENT = "-d 169.254.170.2/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:51679"
FROM_HOST = "-d 169.254.170.2/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 51679"
GUARD = "! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
OFF_HOST = "-p tcp --dport 51678 ! -i lo -j DROP"
BRIDGE = "-p tcp --dport 51678 -i {} -j ACCEPT"


def main() -> int:
    """The action named; 255 when it fails."""
    action = sys.argv[1] if len(sys.argv) > 1 else ""
    known = {"pre-start": pre_start, "start": start, "stop": stop, "post-stop": post_stop, "reload-cache": pre_start}
    if action not in known:
        print("usage: amazon-ecs-init ACTION", file=sys.stderr)
        return 255
    log(action)
    if not _reach_docker():
        log("could not create docker client: Ensure Docker is running", "error")
        return 255
    try:
        return known[action]()
    except (Refused, OSError, subprocess.CalledProcessError) as error:
        log(str(error), "error")
        return 255


def log(text: str, level: str = "info") -> None:
    """A line of the log, also for the journal."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    quoted = text.replace('"', '\\"').replace("\n", "\\n")
    line = f'level={level} time={stamp} msg="{quoted}"\n'
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    with open(LOG, "a") as file:
        file.write(line)
    sys.stderr.write(line)


def _reach_docker() -> bool:
    """Try for 13 seconds to find an engine that takes one of the versions 1.25 to 1.44."""
    for pause in (0.8, 1.6, 2.4, 3.4, 4.4):
        try:
            lowest = str(ask("GET", "/version").get("MinAPIVersion", "1.12"))
            if int(lowest.partition(".")[2]) <= NEWEST:
                return True
            log(
                f"client version 1.{NEWEST} is too old. Minimum supported API version is {lowest}, please upgrade your client"
            )
        except (Refused, OSError):
            pass
        time.sleep(pause)
    return False


def _is_external() -> bool:
    return os.environ.get("ECS_EXTERNAL") == "true"


def pre_start() -> int:
    """Rules, settings, image."""
    _set("net.ipv4.conf.all.route_localnet", "1")
    _set("net.ipv6.conf.docker0.accept_ra", "0")
    for verb, table, chain, rule, program in _rules():
        subprocess.run([program, "-t", table, verb, chain, *rule.split()], check=True, capture_output=True)
    if not docker.has_image(IMAGE):
        log("pre-start: checking ecs agent container image loaded presence")
        _load()
    return 0


def _load() -> None:
    path = f"{CACHE}/ecs-agent.tar"
    if not os.path.exists(path):
        log("pre-start: downloading agent")
        raise OSError("could not download Amazon Elastic Container Service Agent: no cached image")
    with open(path, "rb") as file:
        ask("POST", "/images/load", file.read(), "application/x-tar")
    with open(f"{CACHE}/state", "w") as file:
        file.write("1")


def _rules() -> list[list[str]]:
    """Verb, table, chain, rule, program: in the order of the real one."""
    four, six = "iptables", "ip6tables"
    found = [["-A", "nat", "PREROUTING", TO_AGENT, four]]
    if os.environ.get("ECS_SKIP_LOCALHOST_TRAFFIC_FILTER") != "true":
        found.append(["-I", "filter", "INPUT", GUARD, four])
    if os.environ.get("ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS") != "true":
        bridge = docker.bridge()
        programs = [four] + ([six] if os.path.isdir("/proc/sys/net/ipv6") else [])
        for program in programs:
            found.append(["-I", "filter", "INPUT", OFF_HOST, program])
            found += [["-I", "filter", "INPUT", BRIDGE.format(bridge), program]] if bridge else []
    return [*found, ["-A", "nat", "OUTPUT", FROM_HOST, four]]


def _set(name: str, value: str) -> None:
    path = "/proc/sys/" + name.replace(".", "/")
    if os.path.exists(path):
        with open(path, "w") as file:
            file.write(value)


def environment() -> dict[str, str]:
    """The agent's environment: what every start has, then the two files."""
    found = {
        "ECS_LOGFILE": "/log/ecs-agent.log", "ECS_DATADIR": "/data", "ECS_AGENT_CONFIG_FILE_PATH": "/etc/ecs/ecs.config.json",
        "ECS_UPDATE_DOWNLOAD_DIR": CACHE, "ECS_UPDATES_ENABLED": "true", "ECS_ENABLE_TASK_IAM_ROLE": "true",
        "ECS_AVAILABLE_LOGGING_DRIVERS": '["json-file","syslog","awslogs","fluentd","none"]',
        "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST": "true", "SSL_CERT_DIR": "/etc/ssl/certs", "ECS_ENABLE_TASK_ENI": "false",
    }  # fmt: skip
    for path in FILES:
        try:
            with open(path) as file:
                lines = file.read().strip().split("\n")
        except OSError:
            continue
        found.update(line.strip().split("=", 1) for line in lines if "=" in line)
    return found


def start() -> int:
    """Run the agent's container, again after every end that can be cured by it."""
    pause = 0.5
    while True:
        code = _run()
        log(f"Agent exited with code {code}")
        if code == FINAL:
            log("agent exited with a terminal exit code: 5", "error")
            return FINAL
        if code == 0:
            return 0
        if code == CRASHED:
            log("Agent failed with crash, last 200 lines of its log follow", "warn")
        elif code == UPDATE:
            _load()
        time.sleep(pause * random.uniform(1.0, 1.1))
        pause = min(pause * 2, 15)


def _run() -> int:
    _remove()
    binds = [
        "/var/run:/var/run", "/var/log/ecs:/log", "/var/lib/ecs/data:/data", "/etc/ecs:/etc/ecs",
        f"{CACHE}:{CACHE}", "/var/lib/ecs:/var/lib/ecs", "/etc/ssl:/etc/ssl:ro",
        "/usr:/usr:ro", "/lib:/lib:ro", "/bin:/bin:ro", "/etc/region:/etc/region:ro",
        *(["/lib64:/lib64:ro"] if os.path.exists("/lib64") else []),
        *(["/root/.aws:/rotatingcreds:ro"] if _is_external() else []),
    ]  # fmt: skip
    for folder in ("/var/lib/ecs/data", "/etc/ecs", "/etc/region", CACHE):
        os.makedirs(folder, exist_ok=True)
    host = {
        "Binds": binds, "NetworkMode": "host", "UsernsMode": "host", "Init": False,
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
    }  # fmt: skip
    config = {"Image": IMAGE, "Env": [f"{key}={value}" for key, value in environment().items()], "HostConfig": host}
    made = ask("POST", f"/containers/create?name={NAME}", config)["Id"]
    log("Starting Amazon Elastic Container Service Agent")
    ask("POST", f"/containers/{made}/start")
    return int(ask("POST", f"/containers/{made}/wait")["StatusCode"])


def _remove() -> None:
    found = docker.container(NAME)
    if found:
        log(f"Removing existing agent container ID: {found}")
        ask("DELETE", f"/containers/{found}?force=1")


def stop() -> int:
    """Stop the agent's container."""
    log("Stopping Amazon Elastic Container Service Agent")
    found = docker.container(NAME)
    if found:
        ask("POST", f"/containers/{found}/stop?t=10")
    return 0


def post_stop() -> int:
    """Take one set of rules away, and the setting."""
    with open("/proc/sys/net/ipv4/conf/default/route_localnet") as file:
        _set("net.ipv4.conf.all.route_localnet", file.read().strip())
    for _, table, chain, rule, program in _rules():
        done = subprocess.run([program, "-t", table, "-D", chain, *rule.split()], capture_output=True, text=True)
        if done.returncode:
            log(f"error performing action 'delete' for iptables route: {done.stderr.strip()}", "error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
