"""Whether the activation is good for so many hosts, as far as the caller's AWS keys let that be asked."""

from __future__ import annotations

import time

from anywhere.aws.activation import uses
from anywhere.flows.lifecycle.order import NotRegistered, Order


def check_uses(order: Order, hosts: int) -> None:
    """Raises NotRegistered where the activation has expired or has fewer uses left than `hosts` need."""
    if order.activation is None or not hosts:
        return
    found = uses(order.wanted.region, order.activation.id)
    if found is None:
        return
    new = f"aws ssm create-activation --iam-role ROLE --registration-limit {hosts} --region {order.wanted.region}"
    if found.expired or 0 < found.ends < time.time():
        raise NotRegistered("the activation has expired", "activation.expired", new)
    if found.left < hosts:
        noun = "host is" if hosts == 1 else "hosts are"
        said = f"the activation has {found.left} of {found.limit} uses left, and {hosts} {noun} not registered yet"
        raise NotRegistered(said, "activation.used-up", new)
