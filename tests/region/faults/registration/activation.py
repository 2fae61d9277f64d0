"""The activation that the user was handed is no good."""

from __future__ import annotations

from typing import Any

from tests.region.faults.registration import Rehearsal, setback


def _hand_out(rehearsal: Rehearsal, **fields: Any) -> None:
    good = dict(rehearsal.activation)
    rehearsal.activation.update(rehearsal.site.control.activate(**fields))
    rehearsal.healers.append(lambda: rehearsal.activation.update(good))


@setback("activation-expired", "the activation's date has passed", "ssm", "ActivationExpired")
def activation_expired(rehearsal: Rehearsal) -> None:
    _hand_out(rehearsal, hours=-1)


@setback("activation-used-up", "every registration of the activation was used", "ssm", "RegistrationLimitExceeded")
def activation_used_up(rehearsal: Rehearsal) -> None:
    _hand_out(rehearsal, limit=0)


@setback("activation-of-another-region", "the activation was made in another region", "ssm", "InvalidActivation")
def activation_of_another_region(rehearsal: Rehearsal) -> None:
    _hand_out(rehearsal, region="eu-central-1")


@setback("activation-code-mistyped", "two letters of the code are swapped", "ssm", "InvalidActivation")
def activation_code_mistyped(rehearsal: Rehearsal) -> None:
    code = rehearsal.activation["code"]
    _mistype(rehearsal, "code", code[1:] + code[0] if len(set(code)) > 1 else code + "x")


@setback("activation-id-mistyped", "one digit of the ID is another", "ssm", "InvalidActivation")
def activation_id_mistyped(rehearsal: Rehearsal) -> None:
    identity = rehearsal.activation["id"]
    _mistype(rehearsal, "id", identity[:-1] + ("0" if identity[-1] != "0" else "1"))


@setback("activation-code-cut", "the code lost its end when it was copied", "ssm", "minimum field size of 20")
def activation_code_cut(rehearsal: Rehearsal) -> None:
    _mistype(rehearsal, "code", rehearsal.activation["code"][:12])


@setback("activation-id-and-code-swapped", "the code was given as the ID", "ssm", "minimum field size of 36")
def activation_id_and_code_swapped(rehearsal: Rehearsal) -> None:
    good = dict(rehearsal.activation)
    rehearsal.activation.update(id=good["code"], code=good["id"])
    rehearsal.healers.append(lambda: rehearsal.activation.update(good))


def _mistype(rehearsal: Rehearsal, key: str, value: str) -> None:
    good = rehearsal.activation[key]
    rehearsal.activation[key] = value
    rehearsal.healers.append(lambda: rehearsal.activation.update({key: good}))
