"""Every check id that may stand in a report: what is looked at, what it means, and which command asks. One row an id.

The topic of an id is its folder in `checks/`; `explain`, the reports' "Next" and docs/checks.md read this table.
"""

from __future__ import annotations

from anywhere.catalogue.texts.base import CHECK, CheckText
from anywhere.catalogue.texts.host import KERNEL_ROWS, OWN_ROWS

__all__ = ["AFTER_REGISTRATION", "CHECK", "CHECK_TEXTS", "CheckText"]

AFTER_REGISTRATION = "installed at registration"  # the reason of a skip, and in the contract


_ROWS = (
    CheckText(
        "system.permission",
        "root's rights, for the checks that need them",
        "Root can run every check. Over SSH sudo is asked, without a password unless one is given. Where a check that "
        "decides could not look, the verdict is unknown: what is not known is never a pass.",
    ),
    CheckText(
        "system.os",
        "operating system release",
        "The release against the dated table; its end against the host's own clock.",
    ),
    CheckText("system.arch", "processor architecture", "Kernel, programs and Docker must all be 64-bit x86 or Arm."),
    CheckText("system.kernel", "kernel version", "ECS requires 3.10, the SSM agent 3.2."),
    CheckText(
        "system.init",
        "systemd runs the host",
        "Both agents are systemd services, and the installer refuses anything else.",
    ),
    CheckText(
        "system.machine-id",
        "identity that survives a reboot",
        "The SSM agent treats another machine-id as another machine, and the registration is lost.",
    ),
    CheckText(
        "system.time-sync",
        "a time service keeps the clock",
        "AWS refuses signatures that are more than five minutes off.",
    ),
    CheckText(
        "system.cgroup",
        "control groups",
        "The agent needs the cpu and memory controllers to limit tasks; without them it drops limits silently.",
    ),
    CheckText(
        "system.selinux",
        "SELinux mode",
        "AWS does not support SELinux on external instances; the agent's own option for it is limited.",
    ),
    CheckText("system.memory", "memory", "Docker, both agents and a task need room."),
    CheckText(
        "system.disk",
        "disk space",
        "The file systems of Docker's data root, of the agents' state and logs, of /run and /tmp.",
    ),
    *KERNEL_ROWS,
    CheckText(
        "containers.docker", "Docker engine", "What answers to the name docker must be Docker, packaged, and up."
    ),
    CheckText(
        "containers.api",
        "Docker API versions",
        "The daemon's range of API versions must reach into the agents': 1.21 to 1.44.",
    ),
    CheckText(
        "containers.settings",
        "docker's settings fit",
        "daemon.json against the flags of docker's unit, the names, kinds and removals of its release, and the runtimes on "
        "this host: what does not work now, and what keeps docker from starting again.",
    ),
    CheckText(
        "containers.compatibility",
        "Docker and agent versions fit",
        "Pairs that are known not to work, by the dated table.",
    ),
    CheckText(
        "containers.subnets",
        "no docker network covers an address that is needed outside",
        "A bridge whose subnet holds the nameserver, the proxy, the gateway or an endpoint swallows their packets.",
    ),
    CheckText(
        "network.agent-ports",
        "the agent's ports are free",
        "51678 and 51679 must be free before registration, and the agent's afterwards.",
    ),
    CheckText(
        "network.reserved-ports",
        "the agent's ports are kept for it",
        "The kernel gives 51678 and 51679 to any outgoing connection, unless they are reserved.",
    ),
    CheckText(
        "agents.credentials",
        "no other AWS credentials",
        "The agents take the environment first and the default profile next: keys there win, or are overwritten.",
    ),
    CheckText(
        "agents.metadata-service",
        "no cloud's metadata service",
        "An instance role of EC2 or another cloud's metadata service is mistaken for this host's identity.",
    ),
    CheckText(
        "agents.registration",
        "registration with AWS",
        "Complete, in the expected region and cluster, and still the same machine for AWS.",
    ),
    CheckText(
        "agents.config",
        "the ECS agent's settings",
        "Lines that a reader of the settings files takes otherwise than they are meant; ecs.config against the running agent; "
        "the SSM agent's amazon-ssm-agent.json.",
    ),
    CheckText(
        "agents.ssm", "SSM agent", "One SSM agent, running once it is registered, awake and with fresh credentials."
    ),
    CheckText(
        "agents.ecs",
        "ECS agent",
        "Running, registered with its cluster, connected on both channels; the latest state of its log counts.",
    ),
    CheckText(
        "network.host-firewall",
        "the host's own packet filter lets the agents out",
        "Every address that gave no answer (nameserver, proxy, endpoint): the rules out, and the rules back in.",
    ),
    *OWN_ROWS,
    CheckText(
        "containers.rules",
        "docker's own packet filter rules",
        "A flush of the complete ruleset takes docker's chains too; only a start of docker brings them back.",
    ),
    CheckText(
        "containers.egress",
        "bridge containers reach the network",
        "Forward rules out and back, address translation and forwarding, followed for what the host itself reaches.",
    ),
    CheckText(
        "agents.features",
        "the features that ecs.config asks for",
        "GPU support that is on and finds no driver, device or list of GPUs: tasks that need a GPU are never placed here.",
    ),
    CheckText("agents.restarts", "the agents stay up", "A service that dies and is started again and again."),
    CheckText(
        "netfilter.rules",
        "rules for task credentials",
        "route_localnet and the two nat rules, in the backend that docker uses.",
    ),
    CheckText(
        "netfilter.guards",
        "guards of the loopback and of the introspection port",
        "An open loopback is a fault on any host, registered or not.",
    ),
    CheckText(
        "netfilter.copies",
        "rules are there once",
        "Crashes of ecs-init leave duplicate rules; one of ours beside one of its own is expected.",
    ),
    CheckText(
        "netfilter.path",
        "no rule blocks task credentials",
        "The way of a request through all tables, routes and filters.",
    ),
    CheckText(
        "netfilter.persistence",
        "rules survive a reload of the firewall",
        "Whether something puts the rules back after what takes them away.",
    ),
    CheckText(
        "network.nameservers",
        "each nameserver of resolv.conf answers",
        "Each is asked directly for every name, so that one dead server of two is seen.",
    ),
    CheckText(
        "network.dns-forgery",
        "names that cannot exist do not resolve",
        "A wildcard, a sinkhole or NXDOMAIN rewriting answers what nobody published.",
    ),
    CheckText(
        "network.dns-agreement",
        "the nameservers agree",
        "One server private and one public, or one that knows a name and one that does not: the answer is"
        " a matter of luck.",
    ),
    CheckText(
        "network.dns-tcp",
        "long answers come over TCP",
        "A cut UDP answer has to be asked for again over TCP port 53 (RFC 7766).",
    ),
    CheckText("network.hosts-file", "/etc/hosts overrides no endpoint", "A pinned address works until AWS changes it."),
    CheckText(
        "network.private-answers",
        "endpoint names are all public or all private",
        "A mixed set leaves by the public path unnoticed, or not at all (PrivateLink; RFC 1918, 100.64/10, ULA).",
    ),
    CheckText(
        "network.way",
        "endpoints are reached the way that was declared",
        "With --expect: private (PrivateLink), public, proxy or direct, for all components or for one. Any other way is a "
        "failure, with the file and line, the NO_PROXY entry or the nameserver that it comes from.",
    ),
    CheckText(
        "network.container-dns",
        "containers on the bridge resolve what the host resolves",
        "Docker drops loopback nameservers and falls back to public ones when none is left (docker-"
        "library/docker issue 114).",
    ),
    CheckText(
        "network.ipv6",
        "IPv6 works where it is there",
        "An IPv6 address with AAAA records and no route makes every first attempt fail.",
    ),
    CheckText(
        "network.proxy",
        "every component has the proxy and the exclusions that it needs",
        "What is set in one place and missing in the other three is the most frequent fault of all.",
    ),
    CheckText(
        "endpoints.reach",
        "every endpoint answers, as its component reaches it",
        "DNS, TCP, proxy, TLS and HTTP for every endpoint of the catalogue.",
    ),
    CheckText(
        "endpoints.websocket",
        "the WebSocket upgrade passes the complete path",
        "101, 400, 401 and 403 prove the path; a middlebox's page or a 5xx does not (amazon-ecs-agent issue 23).",
    ),
    CheckText(
        "endpoints.trust-store",
        "the host has a CA store where Go programs look",
        "The agents are Go programs: the first readable file of Go's list counts, and the folders beside it.",
    ),
    CheckText(
        "system.clock",
        "the clock agrees with the endpoints' own",
        "The median of (host's clock - Date header); signatures fail at 300 s, certificates look wrong at hours.",
    ),
    CheckText(
        "endpoints.interception",
        "TLS ends at AWS, not on the way",
        "An issuer that AWS does not use is an inspecting device; trusted by the host, it is still a risk"
        " to the channels.",
    ),
    CheckText(
        "endpoints.latency",
        "connections and handshakes are quick",
        "The median over all endpoints that answer; one slow endpoint is no slow path.",
    ),
    CheckText(
        "endpoints.large-hello",
        "a ClientHello of two segments passes",
        "One endpoint of each way out is greeted once more with a post-quantum key share, as Go does since 1.24.",
    ),
    CheckText(
        "endpoints.idle",
        "a quiet connection survives",
        "With --idle: one channel of each kind is held without a byte, then used (amazon-ecs-agent issue 553).",
    ),
    CheckText(
        "host.reach",
        "the host can be reached",
        "A host that cannot be opened, or that ends the connection on the way. Every command reports it "
        "the same way: its cause is host.unreachable or host.permission.",
        "check, rules, proxy and taskdef fit",
    ),
    CheckText(
        "system.limits",
        "files and outputs are within their limits",
        "A file or output that is larger than its kind may be, or a device or pipe in place of a file, is not read: what "
        "depends on it is not known. Reported only where that happens.",
        "check, where that happens",
    ),
    CheckText(
        "system.identity-shared",
        "hosts of one run share no identity",
        "Machine-id, managed instance id, SSH host key and hardware addresses of all hosts are compared: "
        "clones share them.",
        "check and report merge, on more than one host",
    ),
    CheckText(
        "netfilter.plan",
        "rules and settings are as expected",
        "Each step that `anywhere rules apply` would still take is a finding.",
        "rules verify",
    ),
    CheckText(
        "netfilter.proof",
        "requests for task credentials get through",
        "Real requests from the host and from a bridge container to the credentials endpoint, and from a "
        "neighbor to the loopback.",
        "rules verify, without --no-probe",
    ),
    CheckText(
        "network.proxy-profile",
        "every component has the proxy profile",
        "Each file that `anywhere proxy apply` would still write is a finding, and each service that runs"
        " with its old environment.",
        "proxy verify",
    ),
    CheckText(
        "fit.placement",
        "each task has a place",
        "Tasks are placed one at a time, as ECS places them: constraints first, then the strategy of the service.",
        "taskdef fit",
    ),
    CheckText(
        "fit.reach",
        "hosts reach what the task needs",
        "The registry of the image and the endpoints of logs and secrets are probed from every host.",
        "taskdef fit, without --no-reach",
    ),
    CheckText(
        "fit.host",
        "what is known about a host",
        "What could not be read on a host does not limit the placement, and is listed here.",
        "taskdef fit",
    ),
    CheckText(
        "fit.port-dynamic",
        "fixed ports lie outside the dynamic range",
        "The kernel gives a port of net.ipv4.ip_local_port_range to any outgoing connection.",
        "taskdef fit",
    ),
    CheckText(
        "fit.proxy",
        "containers have the proxy that they need",
        "Containers do not inherit the proxy of docker or of the agents (amazon-ecs-agent issue 2809).",
        "taskdef fit",
    ),
    CheckText(
        "density.interfaces",
        "network interfaces for awsvpc tasks",
        "Each awsvpc task takes an interface of its instance, or a branch of it with trunking.",
        "taskdef density",
    ),
    CheckText(
        "density.addresses",
        "addresses for awsvpc tasks",
        "Each awsvpc task takes an address of its subnet; AWS keeps five of each subnet.",
        "taskdef density",
    ),
    CheckText(
        "taskdef.input",
        "values are known before deployment",
        "An intrinsic function, or a value that is known after apply: the rule is skipped, never guessed.",
        "taskdef check",
    ),
    CheckText(
        "agents.instance",
        "whether this host is an instance",
        "`anywhere status` is asked about an instance of ECS Anywhere: a host that is not registered is none.",
        "status",
    ),
    CheckText(
        "mode.host",
        "network mode host",
        "What the mode means for this definition: addresses, ports, credentials, limits.",
        "taskdef explain-mode",
    ),
    CheckText(
        "mode.bridge-static",
        "network mode bridge with fixed host ports",
        "What the mode means for this definition: addresses, ports, credentials, limits.",
        "taskdef explain-mode",
    ),
    CheckText(
        "mode.bridge-dynamic",
        "network mode bridge with dynamic host ports",
        "What the mode means for this definition: addresses, ports, credentials, limits.",
        "taskdef explain-mode",
    ),
    CheckText(
        "mode.awsvpc",
        "network mode awsvpc",
        "What the mode means for this definition: addresses, ports, credentials, limits.",
        "taskdef explain-mode",
    ),
    CheckText(
        "mode.none",
        "network mode none",
        "What the mode means for this definition: addresses, ports, credentials, limits.",
        "taskdef explain-mode",
    ),
)
CHECK_TEXTS: dict[str, CheckText] = {row.id: row for row in _ROWS}
"""By id, those of `check` in the order of its report first."""
