"""Systems Manager: registration, role tokens, pings, and what the account's owner asks."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Any

from tests.region.controlplane import signing
from tests.region.controlplane.http import Refusal, Request
from tests.region.controlplane.plane import ROLE
from tests.region.controlplane.state import Managed, Session, State

Values = dict[str, Any]
Operation = Callable[[State, Request, Values, Session], Values]
ONLINE = 300  # seconds since the last ping


def register(state: State, request: Request, values: Values) -> Values:
    """RegisterManagedInstance: nobody is authenticated, the activation is all. Counts at success only."""
    for name, least in (("ActivationCode", 20), ("ActivationId", 36), ("Fingerprint", 1), ("PublicKey", 392)):
        if len(str(values.get(name, ""))) < least:
            raise Refusal("ValidationException", f"Value at '{name}' failed to satisfy constraint")
    with state.lock:
        one = state.activation(values["ActivationId"])
        if one is None or one.code != values["ActivationCode"] or one.region not in ("", request.region):
            raise Refusal("InvalidActivation", "")
        if one.expires < state.now():
            raise Refusal("ActivationExpired", "")
        if one.used >= one.limit:
            raise Refusal("RegistrationLimitExceeded", "")
        try:
            signing.public_numbers(base64.b64decode(values["PublicKey"]))
        except (ValueError, IndexError):
            raise Refusal("InvalidPublicKey", "") from None
        one.used += 1
        made = Managed(
            f"mi-{secrets.token_hex(9)[:17]}", request.region, values["Fingerprint"], values["PublicKey"], one.id,
            one.role, state.now(), dict(one.tags),
        )  # fmt: skip
        state.managed[made.id] = made
    return {"InstanceId": made.id}


def signer(state: State, request: Request, signature: signing.Signature) -> Managed:
    """The managed instance that signed with its own key. Raises Refusal."""
    found = state.managed.get(signature.identity)
    if found is None or found.forgotten or found.region != request.region:
        raise Refusal("InvalidInstanceId", f"Not existing InstanceId {signature.identity}")
    signing.check_date(request, state.now())
    signing.check_rsa(signature, found.key)
    return found


def role_token(state: State, instance: Managed, values: Values) -> Values:
    """RequestManagedInstanceRoleToken."""
    if values.get("Fingerprint") != instance.fingerprint:
        raise Refusal("MachineFingerprintDoesNotMatch", "Fingerprint doesn't match")
    key, session = state.session(instance)
    return {
        "AccessKeyId": key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "TokenExpirationDate": int(session.expires),
        "UpdateKeyPair": False,
    }


def update_public_key(state: State, instance: Managed, values: Values) -> Values:
    """UpdateManagedInstancePublicKey."""
    instance.key = str(values.get("NewPublicKey", ""))
    return {}


def known(state: State, identity: str) -> Managed:
    """A managed instance that the service knows. Raises Refusal."""
    found = state.managed.get(identity)
    if found is None or found.forgotten:
        raise Refusal("InvalidInstanceId", "")
    return found


def ping(state: State, request: Request, values: Values, session: Session) -> Values:
    """UpdateInstanceInformation, short and long form."""
    instance = known(state, str(values.get("InstanceId", "")))
    state.allow(session, "ssm:UpdateInstanceInformation", "*")
    instance.pinged = state.now()
    instance.about |= values
    return {}


def no_associations(state: State, request: Request, values: Values, session: Session) -> Values:
    """ListInstanceAssociations and ListAssociations."""
    state.allow(session, f"ssm:{request.operation}", "*")
    return {"Associations": []}


def create_activation(state: State, request: Request, values: Values, session: Session) -> Values:
    """CreateActivation."""
    tags = {one["Key"]: one["Value"] for one in values.get("Tags", [])}
    hours = (values["ExpirationDate"] - state.now()) / 3600 if "ExpirationDate" in values else 24.0
    one = state.activate(
        values.get("RegistrationLimit", 1), hours, request.region, role=values.get("IamRole", ROLE),
        name=values.get("DefaultInstanceName", ""), tags=tags,
    )  # fmt: skip
    return {"ActivationId": one.id, "ActivationCode": one.code}


def describe_activations(state: State, request: Request, values: Values, session: Session) -> Values:
    """DescribeActivations; never the code."""
    wanted = _filter(values, "ActivationIds")
    found = [
        {
            "ActivationId": one.id, "DefaultInstanceName": one.name, "IamRole": f"service-role/{one.role}",
            "RegistrationLimit": one.limit, "RegistrationsCount": one.used, "ExpirationDate": one.expires,
            "Expired": one.expires < state.now(), "CreatedDate": one.expires - 86400,
            "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        }
        for one in state.plane.activations
        if one.region in ("", request.region) and (not wanted or one.id in wanted)
    ]  # fmt: skip
    return {"ActivationList": found}


def delete_activation(state: State, request: Request, values: Values, session: Session) -> Values:
    """DeleteActivation."""
    one = state.activation(str(values.get("ActivationId", "")))
    if one is None:
        raise Refusal("InvalidActivation", "")
    state.plane.activations.remove(one)
    return {}


def describe_instances(state: State, request: Request, values: Values, session: Session) -> Values:
    """DescribeInstanceInformation."""
    wanted = _filter(values, "InstanceIds")
    return {
        "InstanceInformationList": [
            _information(state, one)
            for one in state.managed.values()
            if not one.forgotten and one.region == request.region and (not wanted or one.id in wanted)
        ]
    }


def _filter(values: Values, key: str) -> list[str]:
    rows = [*values.get("Filters", []), *values.get("InstanceInformationFilterList", [])]
    keys = ("Key", "FilterKey", "key"), ("Values", "FilterValues", "valueSet")
    return [
        value
        for row in rows
        if key in [row.get(name) for name in keys[0]]
        for name in keys[1]
        for value in row.get(name, [])
    ]


def _information(state: State, one: Managed) -> Values:
    is_online = one.pinged and state.now() - one.pinged < ONLINE + 60
    fields = ("AgentVersion", "PlatformType", "PlatformName", "PlatformVersion", "IPAddress", "ComputerName")
    return {
        "InstanceId": one.id, "PingStatus": "Online" if is_online else "ConnectionLost", "LastPingDateTime": one.pinged,
        "ActivationId": one.activation, "IamRole": one.role, "RegistrationDate": one.registered,
        "ResourceType": "ManagedInstance", **{name: one.about[name] for name in fields if name in one.about},
    }  # fmt: skip


def deregister(state: State, request: Request, values: Values, session: Session) -> Values:
    """DeregisterManagedInstance."""
    known(state, str(values.get("InstanceId", ""))).forgotten = True
    return {}


AGENT: dict[str, Operation] = {
    "UpdateInstanceInformation": ping,
    "ListInstanceAssociations": no_associations,
    "ListAssociations": no_associations,
}
OWNER: dict[str, Operation] = {
    "CreateActivation": create_activation,
    "DescribeActivations": describe_activations,
    "DeleteActivation": delete_activation,
    "DescribeInstanceInformation": describe_instances,
    "DeregisterManagedInstance": deregister,
}
