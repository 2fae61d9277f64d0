"""Lines of ssh_config as arguments to show."""

from __future__ import annotations

import pytest

from anywhere.hosts.target import SSHOptions, as_words, parse_target


@pytest.mark.parametrize(
    "line", ["ProxyCommand sshpass -p S3cret ssh -W %h:%p b", "proxycommand connect -H edge:S3cret@proxy:3128 %h %p"]
)
def test_a_command_that_may_hold_a_password_is_not_shown(line: str) -> None:
    assert as_words((line, "User ops")) == ["-o", "User=ops"]
    assert "S3cret" not in parse_target("web1").by_hand(SSHOptions(lines=(line,)))


def test_other_commands_are_shown() -> None:
    assert as_words(("ProxyCommand nc %h %p",)) == ["-o", "ProxyCommand=nc %h %p"]
