"""What Ansible and ssh take, and what an inventory says that is read by nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anywhere.errors import BadInput
from anywhere.flows.hosts import chosen
from anywhere.flows.reported.located import reach
from anywhere.hosts.target import SSHOptions, SSHTarget
from anywhere.inventory import load
from tests.inventory.test_inventory import places, read


def test_users_of_a_directory() -> None:
    """As ssh takes them (OpenSSH ssh.c, valid_ruser): a backslash, spaces, an @."""
    text = "CORP\\bob@web1\nbob@corp.example.com@web2:2222\nweb3 ansible_user='CORP\\bob smith' ansible_host=10.0.0.3\n"
    found = {entry.name: entry.spec for entry in read(text)[0]}
    users = [spec.user for spec in found.values() if isinstance(spec, SSHTarget)]
    assert users == ["CORP\\bob", "bob@corp.example.com", "CORP\\bob smith"]
    for bad in ("$(id)", "a -x", "-x", "a\\", "a`b", "a;b"):
        assert read(f'[{{"name": "web1", "user": {json.dumps(bad)}}}]')[2], bad


@pytest.mark.parametrize("name", ["web/1", "rack 2", "web1-", "bücher", "web(1)"])
def test_a_name_may_be_any_where_the_address_is_given(name: str) -> None:
    text = f"all:\n  hosts:\n    {json.dumps(name, ensure_ascii=False)}:\n      ansible_host: 10.0.0.1\n"
    assert places(text) == {name: "10.0.0.1"}
    assert read(text.replace("ansible_host", "other"))[2]


def test_a_name_may_end_with_a_dot() -> None:
    assert places("web1.example.com.\nweb2.example.com.:2222\n")["web2.example.com.:2222"] == "web2.example.com.:2222"


def test_the_group_farther_from_the_top_holds_then_priority() -> None:
    """As Ansible sorts groups: depth, ansible_group_priority, name."""
    text = "[a]\nx\n[b]\nx\n[top:children]\na\n[a:vars]\nansible_user=deep\n[b:vars]\nansible_user=flat\n"
    assert places(text) == {"x": "deep@x"}
    text = "[a]\nx\n[b]\nx\n[a:vars]\nansible_user=first\nansible_group_priority=10\n[b:vars]\nansible_user=second\n"
    assert places(text) == {"x": "first@x"}


def test_variables_within_variables(tmp_path: Path) -> None:
    text = "[web]\nweb1\n[web:vars]\ndomain=example.com\nansible_host={{ inventory_hostname }}.{{domain}}\n"
    assert places(text) == {"web1": "web1.example.com"}
    (tmp_path / "hosts").write_text("[web]\nweb1\n[web:vars]\nansible_host={{ address }}\n")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "web1.yml").write_text("address: 10.0.0.1\n")
    assert str(load(str(tmp_path / "hosts"))[0][0].spec) == "10.0.0.1"
    for circle in ("{{ ansible_host }}", "{{ a | default('b') }}", "{{ lookup('env', 'X') }}"):
        fatal = read(f'[{{"name": "w", "host": {json.dumps(circle)}}}]')[2]
        assert "template" in fatal[0]
        assert "~/.ssh/config" in fatal[0]


@pytest.mark.parametrize(
    "text",
    [
        "all:\n  hosts:\n    web1:\n      ansible_user: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n",
        '{"_meta": {"hostvars": {"web1": {"ansible_user": {"__ansible_vault": "$ANSIBLE_VAULT;1.1"}}}}, "all": ["web1"]}',
    ],
)
def test_a_user_that_is_encrypted_is_not_left_out_in_silence(text: str) -> None:
    fatal = read(text)[2]
    assert "ansible_user is encrypted" in fatal[0]
    assert "6162" not in fatal[0]


def test_what_else_is_encrypted_does_not_matter() -> None:
    text = "all:\n  hosts:\n    web1:\n      ansible_become_pass: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n"
    assert places(text) == {"web1": "web1"}


def test_what_ansible_hands_to_ssh() -> None:
    text = (
        "[web]\nweb1 ansible_ssh_extra_args='-4 -C -o BatchMode=yes'\n[web:vars]\n"
        "ansible_ssh_common_args='-o ProxyCommand=\"ssh -W %h:%p -q gate\" -J gate2 -o ControlPath=none -p2222'\n"
    )
    entry = read(text)[0][0]
    assert isinstance(entry.spec, SSHTarget)
    assert entry.spec.lines == (
        "ProxyCommand ssh -W %h:%p -q gate",
        "ProxyJump gate2",
        "ControlPath none",
        "Port 2222",
        "AddressFamily inet",
        "BatchMode yes",
    )
    assert "-o" in entry.spec.by_hand(SSHOptions())
    for bad in ("-J", "gate", "-o X"):
        assert read(f'[{{"name": "w", "ansible_ssh_common_args": "{bad}"}}]')[2], bad


def test_arguments_of_ssh_for_all_hosts() -> None:
    """They are part of the command that reaches one of them again."""
    hosts = chosen(host=["web1"], ssh_args="-J gate -o 'ProxyCommand=nc %h 22'")
    assert hosts.ssh.lines == ("ProxyJump gate", "ProxyCommand nc %h 22")
    words = reach(hosts.entries[0], hosts)
    again = chosen(host=["web1"], ssh_args=words[words.index("--ssh-args") + 1])
    assert again.ssh.lines == ("ProxyJump gate", "ProxyCommand nc %h 22")
    with pytest.raises(BadInput, match="--ssh-args: 'gate' is no option of ssh"):
        chosen(host=["web1"], ssh_args="gate")


def test_the_configuration_of_a_plugin_is_no_inventory() -> None:
    fatal = read("plugin: amazon.aws.aws_ec2\nregions:\n  - us-east-1\n", "prod.aws_ec2.yml")[2]
    assert len(fatal) == 1
    assert "ansible-inventory" in fatal[0]


def test_where_no_host_is_left_it_is_said_why(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("win1 ansible_connection=winrm\n")
    with pytest.raises(BadInput, match=r"over SSH: win1 is left out: its connection is winrm"):
        load(str(tmp_path / "hosts"))


def test_names_of_variables_may_be_any_and_one_host_needs_no_mapping() -> None:
    assert places("web1 team.owner=x ansible_host=10.0.0.1\n") == {"web1": "10.0.0.1"}
    assert places("all:\n  hosts: web1\n") == {"web1": "web1"}
