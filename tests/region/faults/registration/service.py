"""AWS refuses, or answers badly."""

from __future__ import annotations

from tests.region.faults.registration import Rehearsal, setback

REGISTER, TOKEN, JOIN = "RegisterManagedInstance", "RequestManagedInstanceRoleToken", "RegisterContainerInstance"


@setback("register-throttled", "SSM throttles the first calls", "ssm", final=False)
def register_throttled(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, error="ThrottlingException", message="Rate exceeded", count=2)


@setback("register-always-throttled", "SSM throttles every call", "ssm", "ThrottlingException")
def register_always_throttled(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, error="ThrottlingException", message="Rate exceeded")


@setback("register-500", "SSM answers 500", "ssm", "InternalServerError")
def register_500(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, error="InternalServerError", status=500)


@setback("register-500-once", "SSM answers 500 once", "ssm", final=False)
def register_500_once(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, error="InternalServerError", status=500, count=1)


@setback("register-reset", "the connection is reset during the registration, once", "ssm", "connection reset by peer")
def register_reset(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, how="reset", count=1)


@setback("register-dropped", "the connection is closed during the registration", "ssm", "EOF")
def register_dropped(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, how="close")


@setback(
    "register-answer-lost",
    "SSM registers the host, its answer is lost: the next try is a second use",
    "ssm",
    final=False,
)
def register_answer_lost(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, how="lost", count=1)


@setback("register-page", "a portal's page answers in place of SSM", "ssm", "SerializationError")
def register_page(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, how="page")


@setback("register-empty", "something that is no SSM answers 200 with nothing", "ssm", "panic")
def register_empty(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(REGISTER, how="empty")


@setback("token-refused", "the instance gets no role token", "ssm", "AccessDeniedException")
def token_refused(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(TOKEN, error="AccessDeniedException", message="")


@setback("role-without-ssm", "the role lacks the rights of Systems Manager", "ssm", "Entering SSM Agent hibernate")
def role_without_ssm(rehearsal: Rehearsal) -> None:
    _deny(rehearsal, "ssm:UpdateInstanceInformation", "ssmmessages:*")


@setback("role-without-ecs", "the role lacks the rights of ECS", "ecs", "not authorized to perform: ecs:Register")
def role_without_ecs(rehearsal: Rehearsal) -> None:
    _deny(rehearsal, "ecs:*")


@setback("role-without-poll", "the role may register, and not poll", "ecs", "not authorized to perform: ecs:Poll")
def role_without_poll(rehearsal: Rehearsal) -> None:
    _deny(rehearsal, "ecs:Poll")


@setback("cluster-missing", "there is no such cluster", "ecs", "ClusterNotFoundException")
def cluster_missing(rehearsal: Rehearsal) -> None:
    before = rehearsal.site.control.state()["clusters"]
    rehearsal.site.control.ask("clusters", names=[])
    rehearsal.healers.append(lambda: rehearsal.site.control.ask("clusters", names=before))


@setback("ecs-throttled", "ECS throttles the first registrations", "ecs", "ThrottlingException", final=False)
def ecs_throttled(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(JOIN, error="ThrottlingException", message="Rate exceeded", count=4)


@setback("ecs-500", "ECS answers 500", "ecs", "ServerException")
def ecs_500(rehearsal: Rehearsal) -> None:
    rehearsal.break_call(JOIN, error="ServerException", message="Service Unavailable", status=500)


def _deny(rehearsal: Rehearsal, *actions: str) -> None:
    rehearsal.site.control.deny(*actions)
    rehearsal.healers.append(rehearsal.site.control.allow)
