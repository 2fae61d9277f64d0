"""Requests to other teams, with the command that prints the list of names."""

from __future__ import annotations

from collections.abc import Sequence

from anywhere.diagnosis.subjects import first_host
from anywhere.model import Finding
from anywhere.wording import count

DEFAULT_REGION = "us-east-1"


def region_of(findings: Sequence[Finding]) -> str:
    """The region in the name of the first endpoint; us-east-1 where there is none."""
    host = first_host(findings) or (findings[0].subject if findings else "")
    labels = (label for label in host.split(".") if label.count("-") >= 2 and not label.startswith("ecs-"))
    return next(labels, DEFAULT_REGION)


def ask_for_list(findings: Sequence[Finding], request: str) -> str:
    """The request, and the command that prints all names for the ticket."""
    return f"{request}: `anywhere endpoints --region {region_of(findings)} --format csv`"


def ask_to_allow(findings: Sequence[Finding]) -> str:
    """The request for a firewall rule."""
    subjects = {finding.subject for finding in findings}
    return ask_for_list(findings, f"Ask the network team to allow TCP 443 to {count(subjects, 'name')}")
