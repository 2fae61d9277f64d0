"""The words of a registration: activations in every form, names that AWS would refuse, nothing secret in a message."""

from __future__ import annotations

import json

import pytest

from anywhere.changes.agents.wanted import Wanted, check_wanted, pairs, parse_activation
from anywhere.errors import BadInput

ID, CODE = "fedcba98-89ab-cdef-0123-0123456789ab", "abcdefghij0123456789"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"ActivationId": ID, "ActivationCode": CODE}),
        json.dumps({"activation_id": ID, "activation_code": CODE, "expires": 1}),
        f"\ufeffid={ID}\r\ncode={CODE}\r\n",
        f"# from the vault\nACTIVATION_ID='{ID}'\nexport ACTIVATION_CODE=\"{CODE}\"\n",
        f"{ID}\n{CODE}\n",
        f"id: {ID}\ncode: {CODE}",
    ],
)
def test_an_activation_in_every_form(text: str) -> None:
    found = parse_activation(text, "x")
    assert (found.id, found.code) == (ID, CODE)
    assert CODE not in repr(found) and ID not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        CODE,
        f"id={ID}",
        f"id={ID[:-1]}\ncode={CODE}",
        f"id={ID.upper()}\ncode={CODE}",
        f"id={ID}\ncode={CODE[:-1]}",
        f"id={ID}\ncode={CODE} {CODE}",
        json.dumps({"ActivationId": ID, "ActivationCode": 5}),
    ],
)
def test_what_is_no_activation_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_activation(text, "secret.json")
    assert "secret.json" in str(caught.value)
    assert CODE[:-1] not in str(caught.value) and ID[:-1] not in str(caught.value)


@pytest.mark.parametrize("word", ["a", "=b", "a=b;c", "a b=c", "a=" + "x" * 129])
def test_attributes_that_ecs_refuses(word: str) -> None:
    with pytest.raises(BadInput):
        pairs("--attribute", (word,))
    with pytest.raises(BadInput):
        pairs("--attribute", ("a=b", "a=c"))
    assert pairs("--attribute", ("rack=b12", "empty=")) == {"rack": "b12", "empty": ""}


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("us-east-1", "arn:aws:ecs:us-east-1:1:cluster/x"),
        Wanted("us-east-1", "a b"),
        Wanted("us-east-1", "x", account="123"),
        Wanted("us-east-1", "x", docker="snap"),
        Wanted("us-east-1", "x", ip="v6"),
        Wanted("us-east-1", "x", endpoint="http://a b"),
    ],
)
def test_names_that_would_fail_later(wanted: Wanted) -> None:
    with pytest.raises(BadInput):
        check_wanted(wanted)
