"""The usual commands of a fix, for `anywhere explain`: what stands in capitals is to be filled in. A report has the commands
for its host; causes whose fix is a request, or depends on the finding alone, have none here."""

from __future__ import annotations

from collections.abc import Mapping

_RULES = ("sudo anywhere rules apply",)
_PROXY = ("sudo anywhere proxy apply --url http://HOST:PORT --restart",)
_NAMES = ("anywhere endpoints --region REGION --format csv",)
_CONFIG = ("sudo vi /etc/ecs/ecs.config", "sudo systemctl restart ecs")
_DOCKER = "sudo systemctl restart docker  # containers stop, unless live-restore is set"
_DAEMON = ("sudo vi /etc/docker/daemon.json", _DOCKER)
_AGENTS = ("sudo systemctl restart amazon-ssm-agent", "sudo systemctl restart ecs")
_ACTIVATION = ("aws ssm create-activation --iam-role ROLE --registration-limit N --region REGION > activation.json",)
_REGISTER = ("sudo anywhere register --region REGION --cluster CLUSTER --activation-file activation.json",)

FIX_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "dns.container-differs": _DAEMON,
    "dns.hosts-file-pin": ("sudo vi /etc/hosts",),
    "dns.names-hidden": _NAMES,
    "egress.blocked": _NAMES,
    "egress.endpoint-blocked": _NAMES,
    "egress.no-route": ("sudo ip route add default via GATEWAY dev DEVICE",),
    "egress.path-mtu": ("sudo ip link set dev DEVICE mtu 1400",),
    "egress.sni-filtered": _NAMES,
    "proxy.unreachable": _PROXY,
    "proxy.auth-required": ("sudo anywhere proxy apply --url http://HOST:PORT --credentials-file - --restart",),
    "proxy.denies-endpoint": _NAMES,
    "proxy.wrong-scheme": _PROXY,
    "proxy.not-set-for-component": _PROXY,
    "proxy.exclusions-missing": _PROXY,
    "proxy.components-differ": _PROXY,
    "proxy.private-endpoint": ("sudo anywhere proxy apply --url http://HOST:PORT --region REGION --restart",),
    "agent.stale-environment": ("sudo systemctl daemon-reload", _DOCKER, *_AGENTS),
    "tls.intercepted-untrusted": ("sudo anywhere proxy apply --ca inspecting-ca.crt --restart",),
    "tls.component-untrusted": ("sudo anywhere proxy apply --ca inspecting-ca.crt --restart",),
    "tls.intercepted-trusted": ("anywhere check --region REGION --accept-issuer NAME",),
    "clock.unsynchronised": ("sudo systemctl enable --now systemd-timesyncd",),
    "identity.volatile": ("sudo systemd-machine-id-setup --commit",),
    "identity.duplicate": ("sudo anywhere reset --reclaim --yes", *_REGISTER),
    "disk.low": ("sudo docker system df", "sudo docker image prune"),
    "docker.rules-missing": (_DOCKER, "sudo systemctl restart ecs"),
    "docker.subnet-overlap": _DAEMON,
    "rules.missing": _RULES,
    "rules.wrong-backend": _RULES,
    "rules.shadowed": _RULES,
    "rules.volatile": _RULES,
    "rules.unguarded": _RULES,
    "ports.not-reserved": _RULES,
    "kernel.modules-gone": ("sudo systemctl reboot",),
    "credentials.foreign-metadata": ("sudo ip route replace blackhole 169.254.169.254/32",),
    "config.invalid": _CONFIG,
    "config.duplicate": _CONFIG,
    "agent.disconnected": _AGENTS,
    "agent.no-credentials": _AGENTS,
    "agent.state-damaged": (
        "sudo systemctl stop ecs",
        "sudo mv /var/lib/ecs/data/agent.db /var/lib/ecs/data/agent.db.damaged",
        "sudo systemctl start ecs",
    ),
    "registration.missing": _REGISTER,
    "registration.other": ("sudo anywhere move --cluster CLUSTER",),
    "registration.broken": ("sudo anywhere reset --yes", *_REGISTER),
    "activation.missing": _REGISTER,
    "activation.expired": (*_ACTIVATION, *_REGISTER),
    "activation.used-up": (*_ACTIVATION, *_REGISTER),
    "cluster.not-found": ("aws ecs create-cluster --cluster-name CLUSTER --region REGION",),
    "host.permission": ("sudo anywhere check --region REGION",),
}
