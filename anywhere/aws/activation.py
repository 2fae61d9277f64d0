"""How much an SSM activation is still good for, where the caller's own AWS keys allow to ask."""

from __future__ import annotations

import os
from datetime import datetime

from anywhere.frozen import frozen

# Keys that the caller has set on purpose. No metadata service is asked and no role is looked for: on a host that is about
# to register there must be none.
_NAMED = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
TIMEOUT = 5.0  # seconds, to connect and to read


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
    if not any(os.environ.get(name) for name in _NAMED):
        return None
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import get_session
    except ImportError:
        return None
    config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 2})
    try:
        client = get_session().create_client("ssm", region_name=region, config=config, verify=_store())
        query = [{"FilterKey": "ActivationIds", "FilterValues": [activation]}]
        rows = client.describe_activations(Filters=query, MaxResults=50).get("ActivationList", [])
    except (BotoCoreError, ClientError, ValueError):
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


def _store() -> str | None:
    from anywhere.artifacts.download import trust_store

    found = os.environ.get("AWS_CA_BUNDLE") or trust_store()
    return found if isinstance(found, str) else None
