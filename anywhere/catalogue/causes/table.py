"""All cause texts by code: the table that `explain`, the pages and the tests read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from anywhere.catalogue.causes.agents import AGENTS_CAUSES
from anywhere.catalogue.causes.base import CauseText
from anywhere.catalogue.causes.dns import DNS_CAUSES
from anywhere.catalogue.causes.egress import EGRESS_CAUSES
from anywhere.catalogue.causes.fleet import FLEET_CAUSES
from anywhere.catalogue.causes.host import HOST_CAUSES
from anywhere.catalogue.causes.kernel import KERNEL_CAUSES
from anywhere.catalogue.causes.netfilter import NETFILTER_CAUSES
from anywhere.catalogue.causes.proxy import PROXY_CAUSES
from anywhere.catalogue.causes.registration import REGISTRATION_CAUSES
from anywhere.catalogue.causes.tls import TLS_CAUSES

# In the order of the pages.
ROWS: tuple[CauseText, ...] = (
    *DNS_CAUSES,
    *EGRESS_CAUSES,
    *PROXY_CAUSES,
    *TLS_CAUSES,
    *HOST_CAUSES,
    *KERNEL_CAUSES,
    *AGENTS_CAUSES,
    *NETFILTER_CAUSES,
    *FLEET_CAUSES,
    *REGISTRATION_CAUSES,
)


@cache
def causes() -> Mapping[str, CauseText]:
    """Every cause by its code."""
    return {row.code: row for row in ROWS}
