"""Calls of the account's owner, where the caller's own AWS keys allow them."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from anywhere.errors import AnywhereError
from anywhere.frozen import frozen

# Keys that the caller has set on purpose. No metadata service is asked and no role is looked for: on a host that is about
# to register there must be none.
NAMED = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
TIMEOUT, TRIES = 10.0, 3  # seconds, to connect and to read
GONE = ("InvalidInstanceId", "ClusterNotFoundException", "InvalidActivation", "InvalidActivationId")
# ECS says it of a container instance by these codes, in words (a portal's 404 is `Not Found` too).
_BY_WORDS = ("InvalidParameterException", "ClientException")
_MISSING = ("not found", "not registered", "inactive", "not active")


class Refused(AnywhereError):
    """AWS, or the way to it, refuses a call (exit code 1); `code` is AWS's, empty where it did not answer."""

    exit_code = 1

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_gone(self) -> bool:
        """Whether AWS knows no such thing any more."""
        words = str(self).lower()
        return self.code in GONE or (self.code in _BY_WORDS and any(word in words for word in _MISSING))


@frozen
class Workload:
    """What runs on a container instance by ECS: tasks that run or are pending, and tasks by service or family."""

    running: int
    pending: int
    groups: tuple[tuple[str, int], ...] = ()


def has_keys() -> bool:
    """Whether the caller has named keys."""
    return any(os.environ.get(name) for name in NAMED)


def has_botocore() -> bool:
    """Whether the library of the extra `aws` is here."""
    from importlib.util import find_spec

    return find_spec("botocore") is not None


class Account:
    """The account and region that the caller's keys are for. Raises Refused with AWS's own words."""

    def __init__(self, region: str, timeout: float = TIMEOUT, tries: int = TRIES) -> None:
        self.region = region
        self._limits = {"connect_timeout": timeout, "read_timeout": timeout, "retries": {"total_max_attempts": tries}}
        self._clients: dict[str, Any] = {}

    @classmethod
    def of(cls, region: str, timeout: float = TIMEOUT, tries: int = TRIES) -> Account | None:
        """None where no keys are set, or botocore is not installed."""
        return cls(region, timeout, tries) if has_keys() and has_botocore() else None

    def call(self, service: str, operation: str, **words: object) -> dict[str, Any]:
        """One call by its Python name, as in describe_activations."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**words)
        except ClientError as error:
            about = error.response.get("Error", {})
            said = f"{operation}: {about.get('Code', 'error')}: {about.get('Message', '')}".rstrip(": ")
            raise Refused(said, str(about.get("Code", ""))) from None
        except (BotoCoreError, ValueError) as error:
            raise Refused(f"{operation}: {error}") from None
        return answer

    def deregister_container(self, cluster: str, arn: str) -> None:
        """Deregister a container instance, with tasks or without; one that is gone already is done."""
        words = {"cluster": cluster, "containerInstance": arn, "force": True}
        self._gone_is_done(owner_of(arn), "ecs", "deregister_container_instance", **words)

    def deregister_managed(self, instance: str, owner: str = "") -> None:
        """Deregister a managed instance of the account `owner`; one that is gone already is done."""
        self._gone_is_done(owner, "ssm", "deregister_managed_instance", InstanceId=instance)

    def _gone_is_done(self, owner: str, service: str, operation: str, **words: object) -> None:
        """In another account nothing of this one is known: that is no sign that it is gone."""
        try:
            self.call(service, operation, **words)
        except Refused as error:
            if not error.is_gone:
                raise
            mine = self._own_id()
            if owner and mine not in ("", owner):
                raise Refused(f"the keys are of account {mine}, and the instance is in account {owner}") from None

    def _own_id(self) -> str:
        """The account of the keys; empty where STS does not say."""
        try:
            return str(self.call("sts", "get_caller_identity").get("Account", ""))
        except Refused:
            return ""

    def workload(self, cluster: str, arn: str) -> Workload | None:
        """What would be orphaned; None where ECS knows no such instance or the keys may not ask."""
        try:
            words = {"cluster": cluster, "containerInstances": [arn]}
            found = self.call("ecs", "describe_container_instances", **words)["containerInstances"]
        except (Refused, KeyError):
            return None
        if not found:
            return None
        row = found[0]
        counts = (int(row.get("runningTasksCount", 0)), int(row.get("pendingTasksCount", 0)))
        return Workload(*counts, self._groups(cluster, arn) if any(counts) else ())

    def _groups(self, cluster: str, arn: str) -> tuple[tuple[str, int], ...]:
        try:
            listed = self.call("ecs", "list_tasks", cluster=cluster, containerInstance=arn).get("taskArns", [])
            tasks = (
                self.call("ecs", "describe_tasks", cluster=cluster, tasks=listed[:100]).get("tasks", [])
                if listed
                else []
            )
        except Refused:
            return ()
        return tuple(sorted(Counter(str(one.get("group", "")) for one in tasks).items()))

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config
            from botocore.session import get_session

            self._clients[service] = get_session().create_client(
                service, region_name=self.region, config=Config(**self._limits), verify=_store()
            )
        return self._clients[service]


def owner_of(arn: str) -> str:
    """The account in an ARN."""
    words = arn.split(":")
    return words[4] if len(words) > 5 else ""


def _store() -> str | None:
    """The CA bundle to trust: the caller's, else the system's."""
    from anywhere.artifacts.download import trust_store

    found = os.environ.get("AWS_CA_BUNDLE") or trust_store()
    return found if isinstance(found, str) else None
