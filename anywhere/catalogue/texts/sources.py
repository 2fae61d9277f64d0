"""Where a source of a rule is published: the address that `explain` prints."""

from __future__ import annotations

import re

_MAN = re.compile(r"\b([a-z][a-z0-9_.-]+)\(([1-8])\)")
_RFC = re.compile(r"\bRFC (\d+)(?: section ([\d.]+))?")
_ISSUE = re.compile(r"\b(?:(amazon-ecs-agent|amazon-ssm-agent)|docker-library/docker) issue (\d+)")
_PAGES = (
    ("VPC endpoints", "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html"),
    ("external launch type", "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html"),
    ("amazon-ecs-agent", "https://github.com/aws/amazon-ecs-agent"),
    ("amazon-ssm-agent", "https://github.com/aws/amazon-ssm-agent"),
    ("crypto/", "https://go.dev/doc/godebug"),
    ("Go ", "https://pkg.go.dev/crypto/tls"),
    ("Docker", "https://docs.docker.com/engine/"),
    ("docker", "https://docs.docker.com/engine/"),
    ("netfilter", "https://www.netfilter.org/documentation/"),
    ("iptables", "https://www.netfilter.org/documentation/"),
    ("Session Manager", "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html"),
    ("SSM", "https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent.html"),
    ("ssm", "https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent.html"),
    ("systemd", "https://www.freedesktop.org/software/systemd/man/latest/"),
    ("kernel", "https://docs.kernel.org/"),
)
GENERAL = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-anywhere.html"


def url_of(source: str) -> str:
    """The first address in a source, or that of what it names; the guide to external instances for all else."""
    if found := re.search(r"https?://[^\s,;]+", source):
        return found[0].rstrip(".")
    if issue := _ISSUE.search(source):
        owner = f"aws/{issue[1]}" if issue[1] else "docker-library/docker"
        return f"https://github.com/{owner}/issues/{issue[2]}"
    if rfc := _RFC.search(source):
        return f"https://www.rfc-editor.org/rfc/rfc{rfc[1]}" + (f"#section-{rfc[2]}" if rfc[2] else "")
    if page := _MAN.search(source):
        return f"https://man7.org/linux/man-pages/man{page[2]}/{page[1]}.{page[2]}.html"
    return next((url for word, url in _PAGES if word in source), GENERAL)
