"""Activations of the account's owner: made for a fleet, looked at, planned, deleted."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from anywhere.aws.account import Account, Refused, has_botocore, has_keys
from anywhere.aws.role import role_problems
from anywhere.catalogue.regions import find_region
from anywhere.errors import BadInput
from anywhere.files import write_file
from anywhere.frozen import frozen
from anywhere.held import hold

# Systems Manager: CreateActivation, its limits (boto model `ssm`).
LARGEST, LONGEST = 1000, 30 * 86400
ROLE, HOURS = "ecsAnywhereRole", 24.0
_NAME = re.compile(r"[\w\s.:/=+@-]{0,256}")
_UNITS = {"m": 60, "h": 3600, "d": 86400}
MOST_HOSTS = 1_000_000  # of one plan: a list of activations that a person can still read
STANDARD_TIER = 1000  # managed instances of an account and region before the advanced tier, which costs


@frozen
class Wish:
    """An activation to be made: `limit` registrations, `seconds` until it expires, `name` the default name of its nodes."""

    region: str
    limit: int = 1
    seconds: float = HOURS * 3600
    role: str = ROLE
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@frozen
class Shown:
    """An activation as Systems Manager shows it; `ends` is epoch seconds."""

    id: str
    name: str
    role: str
    limit: int
    used: int
    ends: float
    expired: bool

    @property
    def left(self) -> int:
        """How many hosts it can still register."""
        return 0 if self.expired else max(0, self.limit - self.used)

    @property
    def until(self) -> str:
        """Its end in ISO 8601."""
        return datetime.fromtimestamp(self.ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if self.ends else ""


def check_wish(wish: Wish) -> None:
    """Refuse what Systems Manager would refuse. Raises BadInput."""
    find_region(wish.region)
    if not 1 <= wish.limit <= LARGEST:
        raise BadInput(
            f"one activation registers 1 to {LARGEST} hosts, not {wish.limit}: see `anywhere activation plan`"
        )
    if not 60 <= wish.seconds <= LONGEST:
        raise BadInput("an activation lasts up to 30 days: give --expires 24h or 30d")
    if not _NAME.fullmatch(wish.name):
        raise BadInput("--name takes up to 256 letters, digits, blanks and _ . : / = + - @")
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", wish.role):
        raise BadInput(f"--role takes the name of an IAM role, not its ARN: {wish.role[:80]!r}")


def parse_seconds(text: str) -> float:
    """Seconds of `30m`, `24h` or `7d`. Raises BadInput."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    if not found:
        raise BadInput(f"--expires takes a time as in 24h or 7d, not {text[:20]!r}")
    return float(found[1]) * _UNITS[found[2]]


def account(region: str) -> Account:
    """The caller's account. Raises BadInput where it cannot be asked at all."""
    find_region(region)
    if not has_botocore():
        raise BadInput("AWS calls need botocore: pip install 'ecs-anywhere-toolkit[aws]'")
    if not has_keys():
        raise BadInput("AWS calls need your keys: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return Account(region)


def check_role(owner: Account, role: str) -> tuple[str, ...]:
    """What is wrong with the role; one line that says so where IAM may not be asked."""
    try:
        found = owner.call("iam", "get_role", RoleName=role)["Role"]
        attached = owner.call("iam", "list_attached_role_policies", RoleName=role).get("AttachedPolicies", [])
    except Refused as error:
        if "NoSuchEntity" in str(error):
            raise BadInput(f"there is no IAM role {role}: create it, trusted by ssm.amazonaws.com") from None
        return (f"role {role} was not checked: {error}",)
    return tuple(
        role_problems(found.get("AssumeRolePolicyDocument"), [str(one.get("PolicyArn", "")) for one in attached])
    )


def create(owner: Account, wish: Wish) -> dict[str, str]:
    """Make it: its ID and its code, which cannot be read back. Raises Refused."""
    words: dict[str, object] = {
        "IamRole": wish.role,
        "RegistrationLimit": wish.limit,
        "ExpirationDate": datetime.fromtimestamp(time.time() + wish.seconds, UTC),
    }
    if wish.name:
        words |= {"DefaultInstanceName": wish.name, "Description": wish.name}
    if wish.tags:
        words["Tags"] = [{"Key": key, "Value": value} for key, value in wish.tags]
    made = owner.call("ssm", "create_activation", **words)
    hold(str(made["ActivationCode"]))
    return {name: str(made[name]) for name in ("ActivationId", "ActivationCode")}


def keep(path: str, made: Mapping[str, str]) -> None:
    """Write an activation to a file for its owner alone. Raises BadInput."""
    write_file(path, (json.dumps(made, indent=2) + "\n").encode(), private=True)


def show(owner: Account) -> tuple[Shown, ...]:
    """All activations of the region, the newest end first. Raises Refused."""
    rows: list[Mapping[str, object]] = []
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        answer = owner.call("ssm", "describe_activations", MaxResults=50, **more)
        rows += answer.get("ActivationList", [])
        token = str(answer.get("NextToken") or "")
        if not token:
            break
    return tuple(sorted((_shown(row) for row in rows), key=lambda one: one.ends, reverse=True))


def _shown(row: Mapping[str, object]) -> Shown:
    ends = row.get("ExpirationDate")
    epoch = ends.timestamp() if isinstance(ends, datetime) else 0.0
    return Shown(
        str(row.get("ActivationId", "")),
        str(row.get("DefaultInstanceName", "")),
        str(row.get("IamRole", "")).rpartition("/")[2],
        int(str(row.get("RegistrationLimit", 1))),
        int(str(row.get("RegistrationsCount", 0))),
        epoch,
        bool(row.get("Expired", False)) or 0 < epoch < time.time(),
    )


def delete(owner: Account, ids: Sequence[str]) -> None:
    """Delete activations; hosts that registered with them stay registered. Raises Refused."""
    for one in ids:
        owner.call("ssm", "delete_activation", ActivationId=one)


def plan(hosts: int, wave_hours: float) -> tuple[tuple[int, float], ...]:
    """The activations that a fleet needs, as limit and hours until expiry: equal shares of at most 1000 hosts, as long as
    the rollout takes, 24 hours at least and 30 days at most."""
    if hosts < 1:
        return ()
    count = math.ceil(hosts / LARGEST)
    hours = min(LONGEST / 3600, max(HOURS, math.ceil(wave_hours)))
    share, rest = divmod(hosts, count)
    return tuple((share + (number < rest), hours) for number in range(count))
