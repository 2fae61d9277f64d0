"""What is gone already is done; what another account does not know, or a portal answers, is not."""

from __future__ import annotations

from typing import Any

import pytest

from anywhere.aws.account import Account, Refused

pytest.importorskip("botocore")
ARN = f"arn:aws:ecs:us-east-1:123456789012:container-instance/prod/{'a' * 32}"


class Client:
    """Answers each call with an error of AWS's, and STS with an account."""

    def __init__(self, code: str, message: str, account: str) -> None:
        self.code, self.message, self.account = code, message, account

    def __getattr__(self, name: str) -> Any:
        from botocore.exceptions import ClientError

        def call(**words: object) -> dict[str, str]:
            if name == "get_caller_identity" and self.account:
                return {"Account": self.account}
            raise ClientError({"Error": {"Code": self.code, "Message": self.message}}, name)

        return call


def deregister(monkeypatch: pytest.MonkeyPatch, code: str, message: str, account: str) -> None:
    monkeypatch.setattr(Account, "_client", lambda self, service: Client(code, message, account))
    made = Account("us-east-1")
    made.deregister_container("prod", ARN)
    made.deregister_managed("mi-0123456789abcdef0", "123456789012")


@pytest.mark.parametrize(
    ("code", "message"),
    [("ClusterNotFoundException", "Cluster not found."), ("InvalidInstanceId", ""),
     ("InvalidParameterException", "The referenced container instance was inactive.")],
)  # fmt: skip
@pytest.mark.parametrize("account", ["123456789012", ""])
def test_what_is_gone_is_done(monkeypatch: pytest.MonkeyPatch, code: str, message: str, account: str) -> None:
    deregister(monkeypatch, code, message, account)


def test_keys_of_another_account_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="keys are of account 999999999999, and the instance is in account 123456789012"):
        deregister(monkeypatch, "ClusterNotFoundException", "Cluster not found.", "999999999999")


@pytest.mark.parametrize(
    ("code", "message"),
    [("404", "Not Found"), ("AccessDeniedException", "no ClusterNotFoundException here, not found")],
)
def test_no_other_answer_means_gone(monkeypatch: pytest.MonkeyPatch, code: str, message: str) -> None:
    with pytest.raises(Refused):
        deregister(monkeypatch, code, message, "123456789012")
