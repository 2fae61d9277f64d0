"""Which request is whose: signatures first, then the service's own operation, with the faults that were asked for."""

from __future__ import annotations

import secrets
import time

from tests.region.controlplane import channels, ecs, hosting, signing, ssm
from tests.region.controlplane.http import Answer, Refusal, Request, good, refused
from tests.region.controlplane.plane import Trouble
from tests.region.controlplane.state import Session, State

PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Blocked</title></head><body><h1>Access denied by policy</h1></body></html>\n"
)
STS = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>{0}</Arn><UserId>AROAREGION:{1}</UserId><Account>{2}</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>{3}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)
UNSIGNED = ("RegisterManagedInstance",)
SIGNED_BY_KEY = {
    "RequestManagedInstanceRoleToken": ssm.role_token,
    "UpdateManagedInstancePublicKey": ssm.update_public_key,
}
POLL = 15.0  # seconds that GetMessages is held


class Ended(Exception):
    """The connection ends here without an answer: reset, close or hold."""


class Upgraded(Exception):
    """The request was a good WebSocket handshake."""

    def __init__(self, kind: type[channels.Open], owner: str) -> None:
        super().__init__(owner)
        self.kind, self.owner = kind, owner


def answer(state: State, request: Request) -> Answer | None:
    """The answer; None for what is nobody's here (no signature, no file). Raises Ended and Upgraded."""
    hosted = _hosted(state, request)
    operation = request.operation if hosted is None else "GetObject" if _is_s3(request) else "GetFile"
    if hosted is None and not request.headers.get("authorization") and operation not in UNSIGNED:
        return None
    trouble = state.trouble(operation) if operation else None
    if trouble:
        time.sleep(trouble.delay)
        spoiled = _spoil(state, request, operation, trouble)
        if spoiled:
            return spoiled
    if hosted:
        if trouble and trouble.how == "truncate":
            hosted.cut = len(hosted.body) // 2
        state.note(request, operation, f"{hosted.status} {request.path}")
        return hosted
    found = _asked(state, request, operation, trouble)
    if trouble and trouble.how == "lost":
        raise Ended("close")
    return found


def _is_s3(request: Request) -> bool:
    return "s3" in request.name.split(".")


def _hosted(state: State, request: Request) -> Answer | None:
    if request.method not in ("GET", "HEAD"):
        return None
    if _is_s3(request):
        return hosting.from_bucket(state.plane, request)
    return hosting.from_site(state.plane, request)


def _spoil(state: State, request: Request, operation: str, trouble: Trouble) -> Answer | None:
    if trouble.error or trouble.how:
        state.note(request, operation, f"fault: {trouble.error or trouble.how}")
    if trouble.error:
        return refused(request, Refusal(trouble.error, trouble.message, trouble.status))
    if trouble.how in ("reset", "close", "hold"):
        raise Ended(trouble.how)
    if trouble.how == "page":
        return Answer(200 if trouble.status == 400 else trouble.status, PAGE, "text/html; charset=utf-8")
    if trouble.how == "status":
        return Answer(trouble.status, b"", "text/plain")
    return Answer(200, b"") if trouble.how == "empty" else None


def _asked(state: State, request: Request, operation: str, trouble: Trouble | None) -> Answer:
    try:
        found = _operate(state, request, operation)
    except Refusal as refusal:
        state.note(request, operation, f"{refusal.error}: {refusal.message}".rstrip(": "))
        return refused(request, refusal)
    except Upgraded:
        state.note(request, operation, "101")
        raise
    state.note(request, operation, str(found.status))
    if trouble and trouble.without:
        values = request_values(found)
        values.pop(trouble.without, None)
        return good(values)
    return found


def request_values(found: Answer) -> dict[str, object]:
    """The JSON of an answer."""
    return Request("", "", "", {}, found.body).values()


def _operate(state: State, request: Request, operation: str) -> Answer:
    if operation in UNSIGNED:
        return good(ssm.register(state, request, request.values()))
    signature = signing.read(request)
    if signature is None:
        raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
    if operation in SIGNED_BY_KEY:
        instance = ssm.signer(state, request, signature)
        return good(SIGNED_BY_KEY[operation](state, instance, request.values()))
    session = _session(state, request, signature)
    if operation in ("acs", "tcs", "control-channel"):
        raise Upgraded(*channels.opened(state, request, session))
    if request.service == "sts" and operation == "GetCallerIdentity":
        return _identity(state, session)
    if operation == "CreateControlChannel":
        return _control_channel(state, request, session)
    if operation == "GetMessages":
        return _messages(state, session)
    return _call(state, request, operation, session)


def _session(state: State, request: Request, signature: signing.Signature) -> Session:
    """Whose keys signed. Raises Refusal."""
    session = state.sessions.get(signature.identity)
    if session is None or session.token != request.headers.get("x-amz-security-token", ""):
        name = "InvalidClientTokenId" if request.service == "sts" else "UnrecognizedClientException"
        raise Refusal(name, "The security token included in the request is invalid.")
    signing.check_date(request, state.now())
    signing.check_secret(signature, session.secret)
    if session.expires < state.now():
        name = "ExpiredToken" if request.service == "sts" else "ExpiredTokenException"
        raise Refusal(name, "The security token included in the request is expired")
    return session


def _call(state: State, request: Request, operation: str, session: Session) -> Answer:
    """A JSON operation of SSM or ECS."""
    is_ssm = request.service.startswith("ssm")
    table = ssm.AGENT if is_ssm else ecs.OPERATIONS
    owners = ssm.OWNER if is_ssm else ecs.OWNER
    found = table.get(operation) or owners.get(operation)
    if found is None:
        raise Refusal("UnknownOperationException", "")
    if operation in owners and session.instance:
        raise Refusal("AccessDeniedException", f"not authorized to perform: {request.service}:{operation}")
    return good(found(state, request, request.values(), session))


def _identity(state: State, session: Session) -> Answer:
    who = f"assumed-role/{session.role}/{session.instance}" if session.instance else "user/owner"
    text = STS.format(f"arn:aws:sts::{state.plane.account}:{who}", session.instance, state.plane.account, "1")
    return Answer(200, text.encode(), "text/xml")


def _control_channel(state: State, request: Request, session: Session) -> Answer:
    identity = request.path.rpartition("/")[2]
    state.allow(session, "ssmmessages:CreateControlChannel", "*")
    ssm.known(state, identity)
    token = secrets.token_urlsafe(40)
    state.tokens[token] = identity
    body = "<MessageSchemaVersion>1.0</MessageSchemaVersion>" + f"<TokenValue>{token}</TokenValue>"
    text = f"<CreateControlChannelResponse>{body}</CreateControlChannelResponse>"
    return Answer(201, text.encode(), "application/xml")


def _messages(state: State, session: Session) -> Answer:
    state.allow(session, "ec2messages:GetMessages", "*")
    time.sleep(POLL)
    return good({})
