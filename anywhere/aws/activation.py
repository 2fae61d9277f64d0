"""How much an SSM activation is still good for, where the caller's own AWS keys allow to ask."""

from __future__ import annotations

from datetime import datetime

from anywhere.aws.account import Account, Refused
from anywhere.frozen import frozen

TIMEOUT, TRIES = 5.0, 2  # seconds, to connect and to read: a registration waits for it


@frozen
class Uses:
    """An activation's limit and count of registrations, and its end in epoch seconds."""

    limit: int
    count: int
    ends: float
    expired: bool

    @property
    def left(self) -> int:
        """How many hosts it can still register."""
        return max(0, self.limit - self.count)


def uses(region: str, activation: str) -> Uses | None:
    """What Systems Manager says of an activation; None where there are no keys, no botocore, no right to ask, no answer,
    or no such activation."""
    owner = Account.of(region, TIMEOUT, TRIES)
    query = [{"FilterKey": "ActivationIds", "FilterValues": [activation]}]
    try:
        rows = (
            owner.call("ssm", "describe_activations", Filters=query, MaxResults=50)["ActivationList"] if owner else ()
        )
    except (Refused, KeyError):
        return None
    row = next((one for one in rows if one.get("ActivationId") == activation), None)
    if row is None:
        return None
    ends = row.get("ExpirationDate")
    return Uses(
        int(row.get("RegistrationLimit", 1)),
        int(row.get("RegistrationsCount", 0)),
        ends.timestamp() if isinstance(ends, datetime) else 0.0,
        bool(row.get("Expired", False)),
    )
