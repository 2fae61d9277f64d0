"""What dockerd writes before it ends. Sources: moby daemon, cmd/dockerd, libnetwork; the issues named in the rows."""

from __future__ import annotations

from anywhere.catalogue.daemon_lines.base import DaemonLine
from anywhere.catalogue.daemon_lines.docker_network import NETWORK_LINES

CHECKED = "`dockerd --validate` then has to answer `configuration OK`."

DOCKER_LINES: tuple[DaemonLine, ...] = (
    DaemonLine(
        "given-twice",
        r"directives are specified both as a flag and in the configuration file: (?P<setting>[\w-]+): \(from flag: "
        r"(?P<flag>.*?), from file: (?P<file>.*?)\)",
        "{setting} is set twice, by a flag ({flag}) and in daemon.json ({file})",
        "Keep one of the two places for {setting}.",
        "moby daemon/config/config.go findConfigurationConflicts; moby#25471",
    ),
    DaemonLine(
        "unknown-directive",
        r"the following directives don't match any configuration option: (?P<setting>[\w., -]+)",
        "daemon.json holds {setting}, which this release of Docker does not know",
        "Take {setting} out of /etc/docker/daemon.json, or correct the name.",
        "moby daemon/config/config.go findConfigurationConflicts",
    ),
    DaemonLine(
        "bad-json",
        r"unable to configure the Docker daemon with file (?P<file>\S+?):? (?P<why>EOF|invalid character .*|unexpected "
        r"(?:end|EOF).*|"
        r"json: cannot unmarshal .*|cannot unmarshal .*)",
        "{file} cannot be read: {why}",
        "Correct {file}. " + CHECKED,
        "moby daemon/config/config.go getConflictFreeConfiguration",
    ),
    DaemonLine(
        "unknown-flag",
        r"unknown (?:shorthand )?flag: (?P<flag>[^\s,]+(?: in -\w+)?)",
        "its unit passes {flag}, which this release of Docker does not know",
        "Take {flag} out of the ExecStart= line (or the file of variables that it reads), then reload systemd.",
        "docker/cli docs/deprecated.md: --graph and --cluster-* ended with 23.0, --oom-score-adjust with 25.0",
    ),
    DaemonLine(
        "libraries",
        r"symbol lookup error: .*undefined symbol|version [`'\"]?GLIBC\S* not found|error while loading shared libraries",
        "its program does not fit the libraries of this system",
        "Install the packages that are made for this release of the distribution: see which release the line of Docker's "
        "repository names, and what was installed by hand. Where the line names seccomp, update libseccomp2 "
        "(libseccomp on EL).",
        "docker/for-linux#475; ld.so(8)",
    ),
    DaemonLine(
        "old-command",
        r"`docker daemon` is not supported on Linux",
        "its unit starts it as `docker daemon`, which ended with 17.06",
        "Write `dockerd` in place of `docker daemon` into the ExecStart= line (`systemctl cat docker` shows its file), "
        "then reload systemd.",
        "docker/for-linux#47",
    ),
    DaemonLine(
        "merged",
        r"merged configuration validation from file and command line flags failed:? \(?(?P<why>.*)",
        "a value of daemon.json or of its flags is not valid: {why}",
        "Correct that value in /etc/docker/daemon.json, or in the flags of docker's unit. " + CHECKED,
        "moby daemon/config/config.go MergeDaemonConfigurations",
    ),
    DaemonLine(
        "driver-removed",
        r"the (?P<driver>[\w-]+) storage-driver has been deprecated and removed|"
        r"prior storage driver (?P<prior>aufs|overlay|devicemapper) failed",
        "the storage driver {driver}{prior} was removed from Docker (aufs and overlay with 24.0, devicemapper with 25.0)",
        "Set `storage-driver` to overlay2 in /etc/docker/daemon.json, or take it out. Images and containers of the old "
        "driver stay on disk, but are not seen: save what is needed with the older Docker first.",
        "moby daemon/graphdriver/driver.go; docker/cli docs/deprecated.md",
    ),
    DaemonLine(
        "two-drivers",
        r"contains several valid graphdrivers: (?P<drivers>[\w, ]+)",
        "its folder holds data of several storage drivers ({drivers})",
        "Name the one to use as `storage-driver` in /etc/docker/daemon.json (overlay2 where it is listed).",
        "moby daemon/graphdriver/driver.go",
    ),
    DaemonLine(
        "d-type",
        r"backing (?P<fs>\w+) filesystem is formatted without d_type support",
        "its folder is on {fs} without d_type, on which overlay2 does not work",
        "Put docker's data-root on a file system with d_type (ext4, or xfs made with -n ftype=1).",
        "moby daemon/graphdriver/overlayutils",
    ),
    DaemonLine(
        "authorization",
        r"validat\w+ authorization plugin: plugin \"?(?P<plugin>[^\"\s]+?)\"? not found",
        "the authorization plugin {plugin} of its settings is not there",
        "Start the plugin {plugin} before docker, or take it out of authorization-plugins: who may ask docker is then decided "
        "by its socket alone.",
        "moby daemon/command/daemon.go validateAuthzPlugins; read from Docker 20.10",
    ),
    DaemonLine(
        "storage-option",
        r"error initializing graphdriver: (?P<why>Storage [Oo]ption \S+ (?:only|not) supported.*|\w+: unknown option \S+)",
        "its storage driver does not take an option of storage-opts: {why}",
        "Take the option out of storage-opts; a limit for each container (overlay2.size) needs xfs mounted with pquota.",
        "moby daemon/graphdriver/overlay2/overlay.go; read from Docker 20.10",
    ),
    DaemonLine(
        "driver-unsupported",
        r"(?:error initializing graphdriver: |graphdriver.*)(?P<why>driver not supported.*|'overlay' not found.*|"
        r"overlay2?: .*not supported.*|unknown graphdriver.*|Unknown option .*|prerequisites for driver not satisfied.*|"
        r"backing file system is unsupported.*)",
        "its storage driver does not work here: {why}",
        "Set a storage driver that the kernel and the file system of data-root support (overlay2 on ext4 or xfs).",
        "moby daemon/graphdriver",
    ),
    *NETWORK_LINES,
    DaemonLine(
        "address-in-use",
        r"listen (?P<what>tcp|unix) (?P<address>\S+): bind: address already in use",
        "another process listens on {address}",
        "Find the process (`ss -lptn`), stop it, or take this address out of `hosts`.",
        "moby cmd/dockerd/daemon.go loadListeners",
    ),
    DaemonLine(
        "address-none",
        r"listen tcp (?P<address>\S+): bind: cannot assign requested address|lookup (?P<name>\S+).*: no such host.*listen",
        "no card of this host has the address {address}{name} that it is to listen on",
        "Correct the address in `hosts` (daemon.json) or in the -H flag of the unit.",
        "moby cmd/dockerd/daemon.go loadListeners",
    ),
    DaemonLine(
        "socket-folder",
        r"can't create unix socket (?P<path>\S+): is a directory",
        "a folder lies where its socket belongs ({path})",
        "Remove the folder, which is empty: a container with a mount of the socket made it while docker did not run.",
        "moby#30348, docker/go-connections#72",
        (("rmdir", "{path}"),),
        ready=True,
    ),
    DaemonLine(
        "socket",
        r"no sockets found via socket activation|failed to load listeners: no sockets|can't create unix socket "
        r"(?P<path>\S+): .*",
        "it gets no socket from systemd {path}",
        "docker.socket has to run: it hands over the socket of `-H fd://`. A folder in the socket's place has to go.",
        "moby cmd/dockerd; moby#22847",
        (("systemctl", "enable", "--now", "docker.socket"),),
        ready=True,
    ),
    DaemonLine(
        "group",
        r"could not change group (?P<path>\S+) to (?P<group>\S+): group \S+ not found|group docker not found",
        "the group {group} does not exist",
        "Make the group docker.",
        "moby cmd/dockerd/daemon_unix.go",
        (("groupadd", "--system", "docker"),),
        ready=True,
    ),
    DaemonLine(
        "pid-file",
        r"pid file found, ensure docker is not running or delete (?P<path>\S+)|process with PID (?P<pid>\d+) is "
        r"still running",
        "another dockerd runs, or left its pid file {path}",
        "Stop the other dockerd (`pgrep -a dockerd`); where none runs, delete the file.",
        "moby pkg/pidfile",
    ),
    DaemonLine(
        "locked",
        r"(?:error while opening|opening) volume store metadata database(?: \(\S+\))?: timeout|database: timeout",
        "another dockerd holds its data",
        "Stop the other dockerd (`pgrep -a dockerd`; a snap or a second unit), then start this one.",
        "moby volume/service/store.go",
    ),
    DaemonLine(
        "full",
        r"no space left on device|disk quota exceeded|database or disk is full",
        "a file system is full, or has no inode left",
        "Make room: `df -h` and `df -i` for /var/lib/docker, /var/lib/containerd, /var/log and /tmp.",
        "errno ENOSPC",
    ),
    DaemonLine(
        "read-only",
        r"(?P<path>/[\w./-]+): read-only file system|read-only file system",
        "it may not write: {path} is on a file system that is mounted read-only",
        "Look in the kernel's log (`dmesg`) for the file system's error, repair it (fsck), and mount it for writing.",
        "errno EROFS",
    ),
    DaemonLine(
        "tls",
        r"(?P<why>[Cc]ould not (?:read|load) (?:CA certificate|X509 key pair).*|tls: (?:private key|failed to find).*|"
        r"private key is encrypted.*)",
        "its own TLS files are wrong: {why}",
        "Correct `tlscacert`, `tlscert` and `tlskey` in daemon.json or the unit. Encrypted keys are not taken since 23.0.",
        "moby cmd/dockerd/daemon.go; go-connections/tlsconfig",
    ),
    DaemonLine(
        "runtime",
        r"(?:specified )?default runtime '(?P<runtime>[^']*)' does not exist|unknown or invalid runtime name: "
        r"(?P<name>[^\s\"]+)|"
        r"runtime name '?(?P<reserved>runc)'? is reserved|invalid runtime (?P<other>\S+)",
        "the runtime {runtime}{name}{reserved}{other} is not one that docker has",
        "Correct `default-runtime` and `runtimes` in /etc/docker/daemon.json; install the runtime, or leave "
        "docker's own, runc.",
        "moby daemon/runtime_unix.go",
    ),
    DaemonLine(
        "log-driver",
        r"(?P<why>no log driver named '?[\w./:-]+'? is registered|unknown log opt '?[\w.-]+'? for \S+ log driver)|"
        r"(?:failed to set log opts|logger): (?P<other>.*)",
        "its log driver is not set right: {why}{other}",
        "Correct `log-driver` and `log-opts` in /etc/docker/daemon.json (values of log-opts are strings).",
        "moby daemon/logger/factory.go",
    ),
    DaemonLine(
        "userns",
        r"(?:Can't create ID mappings|No sub[ug]id ranges found for \w+ \"?(?P<user>[\w-]+)|userns-remap)",
        "user namespaces are asked for, and /etc/subuid or /etc/subgid has no ids for the user {user}",
        "Give the user ids in both files, or take `userns-remap` out of daemon.json.",
        "moby cmd/dockerd, pkg/idtools",
    ),
    DaemonLine(
        "swarm",
        r"live-restore daemon configuration is incompatible with swarm mode",
        "live-restore is on, and this engine is a member of a swarm",
        "Leave the swarm (`docker swarm leave --force`), or take `live-restore` out of daemon.json.",
        "moby daemon/daemon.go",
    ),
    DaemonLine(
        "cgroup",
        r"Devices cgroup isn't mounted|cgroups?: cgroup mountpoint does not exist|(?:systemd|cgroupfs) cgroup "
        r"driver.*(?:not|cannot)|"
        r"no cgroup mount found|cgroup v2 .* not supported",
        "the control groups that it needs are not mounted",
        "Mount the cgroup hierarchy (systemd does so at boot); in LXC allow nesting. An engine before 20.10 does not know "
        "version 2: update it.",
        "moby daemon/daemon_unix.go; runc libcontainer/cgroups",
    ),
    DaemonLine(
        "containerd",
        r"failed to dial \"?(?P<socket>[^\s\"]*containerd\.sock)|timeout waiting for containerd to start|failed to "
        r"start containerd|"
        r"containerd\.sock: connect: (?:connection refused|no such file)|error creating containerd client",
        "containerd does not answer",
        "containerd has to run first; its own reason is in its journal.",
        "moby cmd/dockerd/daemon.go initContainerd",
    ),
    DaemonLine(
        "crash",
        r"panic: (?P<why>runtime error: .*)",
        "it crashed ({why}), which is an error in its own code",
        "Install the latest release of Docker, or go back to the one that ran. The lines below the quoted one name the "
        "function: where that is one of bbolt, a database of Docker is damaged instead.",
        "docker/for-linux#107, moby#37506",
    ),
    DaemonLine(
        "damaged",
        r"panic: (?P<why>(?:invalid|freepages|page \d+|assertion).*)|unexpected fault address|invalid "
        r"database|"
        r"(?:error|failed).{0,60}(?:bolt|metadata).{0,40}(?:checksum|version mismatch|invalid)|layer does not exist",
        "one of its databases is damaged ({why})",
        "Move the damaged database away (the line names it; containerd: io.containerd.metadata.v1.bolt/meta.db, docker: "
        "network/files/local-kv.db, volumes/metadata.db). Images are pulled again, and tasks start anew.",
        "moby#37735; go.etcd.io/bbolt",
    ),
    DaemonLine(
        "settings-denied",
        r"Docker daemon with file (?P<file>\S+?): open \S+: (?:permission denied|operation not permitted)",
        "it may not read {file}",
        "Root has to be able to read {file}: look at its rights and its folder's; where SELinux denies "
        "(`ausearch -m avc -ts recent`), run `restorecon {file}`.",
        "moby daemon/config/config.go getConflictFreeConfiguration",
    ),
    DaemonLine(
        "permission",
        r"(?:error initializing graphdriver|chmod|mkdir|open|l?chown|creating).{0,120}(?:permission denied|operation "
        r"not permitted)",
        "it may not use its own folder",
        "Root owns docker's data-root with mode 0710; where SELinux denies (`ausearch -m avc -ts recent`), "
        "`restorecon -R` the folder.",
        "moby daemon/daemon_unix.go",
    ),
    DaemonLine(
        "folder",
        r"(?:mkdir|stat|lstat|open) (?P<path>/\S+?): (?P<why>no such file or directory|not a directory|file "
        r"exists|transport "
        r"endpoint is not connected|stale (?:NFS )?file handle)",
        "{path}: {why}",
        "Correct the path in daemon.json or the unit, or mount what has to lie there.",
        "moby daemon",
    ),
)
