"""All cause texts by code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from anywhere.catalogue.causes.base import CauseText

TOPICS = ("dns", "egress", "proxy", "tls", "host", "netfilter", "fleet", "registration")


def causes() -> Mapping[str, CauseText]:
    """Every cause by its code, in the order of the pages."""
    rows: list[CauseText] = []
    for topic in TOPICS:
        rows += getattr(import_module(f"anywhere.catalogue.causes.{topic}"), f"{topic.upper()}_CAUSES")
    return {row.code: row for row in rows}
