"""Inventories: the forms that people have, each problem named with its line."""

from __future__ import annotations

import contextlib
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere.errors import BadInput
from anywhere.hosts.target import SSHTarget
from anywhere.inventory import Entry, limited, load, parse
from anywhere.inventory.book import Book
from anywhere.inventory.ranges import expand
from anywhere.redact import redact
from tests.support.pace import within


def read(text: str, name: str = "") -> tuple[tuple[Entry, ...], list[str], list[str]]:
    """Entries, notes and fatal problems of a text."""
    book = Book()
    parse(text.encode(), name, book)
    entries = book.entries()
    return entries, [str(note) for note in book.notes], [str(problem) for problem in book.fatal]


def places(text: str, name: str = "") -> dict[str, str]:
    entries, _, fatal = read(text, name)
    assert not fatal
    return {entry.name: str(entry.spec) for entry in entries}


# --- forms -------------------------------------------------------------------------------------------------------


def test_a_plain_list() -> None:
    text = "# servers\nweb1\nroot@web2:2222  # the second\n\n10.0.0.3\n[2001:db8::4]:22\n2001:db8::5\nlocal\n"
    assert places(text) == {
        "web1": "web1",
        "root@web2:2222": "root@web2:2222",
        "10.0.0.3": "10.0.0.3",
        "[2001:db8::4]:22": "[2001:db8::4]:22",
        "2001:db8::5": "[2001:db8::5]",
        "local": "local",
    }


INI = """
mail.example.com
[web]
web[01:03].example.com ansible_user=deploy
web9 ansible_host=10.0.0.9 ansible_port=2222 ansible_ssh_private_key_file="~/.ssh/web 9"
[db]
db-[a:c]   # databases
here ansible_connection=local
[site:children]
web
db
[site:vars]
ansible_user = admin
[db:vars]
ansible_user=dba
ansible_port="2200"
"""


def test_ansible_ini() -> None:
    found = places(INI)
    assert list(found) == [
        "mail.example.com",
        "web01.example.com",
        "web02.example.com",
        "web03.example.com",
        "web9",
    ] + [
        "db-a",
        "db-b",
        "db-c",
        "here",
    ]
    assert found["mail.example.com"] == "mail.example.com"
    assert found["web02.example.com"] == "deploy@web02.example.com"
    assert found["web9"] == "admin@10.0.0.9:2222"
    assert found["db-b"] == "dba@db-b:2200"
    assert found["here"] == "local"
    entry = next(entry for entry in read(INI)[0] if entry.name == "web9")
    assert entry.groups == {"all", "site", "web"}
    assert isinstance(entry.spec, SSHTarget)
    assert entry.spec.identity == "~/.ssh/web 9"


YAML = """
all:
  vars:
    ansible_user: admin
  hosts:
    mail.example.com:
  children:
    web:
      hosts:
        web[01:02]:
        web9: {ansible_host: 10.0.0.9, ansible_port: 2222}
      vars:
        ansible_user: deploy
    db:
      hosts: [db1, db2]
"""


def test_ansible_yaml() -> None:
    expected = {
        "mail.example.com": "admin@mail.example.com",
        "web01": "deploy@web01",
        "web02": "deploy@web02",
        "web9": "deploy@10.0.0.9:2222",
        "db1": "admin@db1",
        "db2": "admin@db2",
    }
    assert places(YAML, "hosts.yml") == expected
    assert places(YAML) == expected
    assert {entry.name: entry.line for entry in read(YAML)[0]}["web9"] == 11


def test_json_in_its_three_forms() -> None:
    assert places('["web1", {"name": "web2", "host": "10.0.0.2", "user": "root", "port": 22}]') == {
        "web1": "web1",
        "web2": "root@10.0.0.2:22",
    }
    dynamic = {
        "_meta": {"hostvars": {"web1": {"ansible_host": "10.0.0.1"}}},
        "all": {"children": ["web", "ungrouped"]},
        "web": {"hosts": ["web1", "web2"], "vars": {"ansible_user": "deploy"}},
    }
    assert places(json.dumps(dynamic)) == {"web1": "deploy@10.0.0.1", "web2": "deploy@web2"}
    assert places('{"all": {"hosts": {"web1": {"ansible_port": 2222}}}}') == {"web1": "web1:2222"}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"web1\nweb2\n")

    monkeypatch.setattr("sys.stdin", Stdin())
    assert [entry.name for entry in load("-")[0]] == ["web1", "web2"]


def test_variables_beside_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[web]\nweb1\nweb2\n[db]\ndb1\n")
    for folder in ("group_vars/web", "host_vars"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "group_vars" / "all.yml").write_text("ansible_user: admin\nother: 1\n")
    (tmp_path / "group_vars" / "web" / "login.yml").write_text("ansible_user: deploy\n")
    (tmp_path / "host_vars" / "web2.yaml").write_text("ansible_host: 10.0.0.2\n")
    (tmp_path / "host_vars" / "db1.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    entries, notes = load(str(tmp_path / "hosts"))
    assert [str(entry.spec) for entry in entries] == ["deploy@web1", "deploy@10.0.0.2", "admin@db1"]
    left_out = (
        f"{tmp_path}/host_vars/db1.yml is left out: it is encrypted (ansible-vault), and nothing is decrypted here"
    )
    assert [str(note) for note in notes] == [left_out]


def test_a_name_too_long_for_a_file_has_no_variables_beside_it(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(f"{'a' * 300}\nweb1\n")
    (tmp_path / "host_vars").mkdir()
    assert len(load(str(tmp_path / "hosts"))[0]) == 2


def test_a_folder_of_inventories(tmp_path: Path) -> None:
    (tmp_path / "01-web").write_text("[web]\nweb1\n")
    (tmp_path / "02-db.yml").write_text("db: {hosts: {db1: }}\n")
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    assert [entry.name for entry in load(str(tmp_path))[0]] == ["web1", "db1"]


# --- problems ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("web1\nweb 2\n", ["line 2: 'web 2': '2' is no variable: write name=value"]),
        ("web1\n-oProxyCommand=x\n", ["line 2: '-oProxyCommand=x' is no host"]),
        ("a\nb[1-3]\n", ["line 2: 'b[1-3]': a range is written [01:20] or [a:f]"]),
        ("b[5:1]\n", ["line 1: 'b[5:1]': the range ends before it starts"]),
        ('a x="1\n', ["no closing quotation"]),
        ("[g:friends]\n", ["line 1: [g:friends]: only :children and :vars are known"]),
        ("[g:children]\nnone\n", ["there is no group 'none'"]),
        ("[g:vars]\nnothing\n", ["line 2: 'nothing' is no variable"]),
        ("a ansible_port=99999\n", ["line 1: a: ansible_port is '99999', and must be 1 to 65535"]),
        ('{"Reservations": [{"Instances": []}]}', ["group 'Reservations': host number 1 is no name"]),
        ("a ansible_host={{ip}}\n", ["a template"]),
        ("all:\n  hosts:\n    web1: deploy\n", ["line 3: web1: its variables"]),
        ("all:\n  host:\n    web1:\n", ["line 2: all: 'host' is none of hosts, children, vars"]),
        ('[{"name": 3}]', ["host number 1 has no name"]),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(text: str, said: list[str]) -> None:
    _, _, fatal = read(text)
    assert len(fatal) == len(said)
    for expected, problem in zip(said, fatal):
        assert expected in problem


@pytest.mark.parametrize("text", ['{"all": [', "{", "a: b: c\n---", "all:\n\t- x\n", '["web1"'])
def test_broken_files_are_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["a ansible_become_pass=Pl4nted d\n", "a ansible_become_password='Pl4 nted' d\n", "root:Pl4nted@web1\n", "[x\n"]
    + ["all:\n  hosts:\n    a: [ansible_become_pass: Pl4nted]\n", '{"all": {"hosts": {"a": "Pl4nted"}}'],
)
def test_no_complaint_shows_a_password(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hosts"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        load(str(path))
    assert "nted" not in redact(str(caught.value))


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("web1\n" + "".join(f"bad {n}\n" for n in range(9)))
    with pytest.raises(BadInput, match=r"line 2: .*line 3: .*line 6: .*; and 4 more"):
        load(str(path))


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xff\xfe", b"[web]\n"])
def test_no_host_at_all(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "hosts").write_bytes(data)
    with pytest.raises(BadInput):
        load(str(tmp_path / "hosts"))
    with pytest.raises(BadInput, match="cannot be read"):
        load(str(tmp_path / "none"))


def test_a_program_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "dynamic.py"
    path.write_text("#!/bin/sh\ntouch /tmp/ran\n")
    path.chmod(0o755)
    with pytest.raises(BadInput, match="is a program"):
        load(str(path))


def test_duplicates_are_noted_and_judged_once() -> None:
    entries, notes, fatal = read("web1\nweb2\nweb1\nalias ansible_host=web2\n")
    assert [entry.name for entry in entries] == ["web1", "web2", "alias"]
    assert notes == ["line 3: web1 is already on line 1", "line 4: alias is the same place as web2 (web2)"]
    assert not fatal


def test_a_host_in_two_groups_is_no_duplicate() -> None:
    entries, notes, _ = read("[web]\nweb1\n[blue]\nweb1 ansible_port=2222\n")
    assert [str(entry.spec) for entry in entries] == ["web1:2222"]
    assert not notes


def test_hosts_that_are_not_reached_by_ssh_are_left_out_with_a_word() -> None:
    entries, notes, _ = read("win1 ansible_connection=winrm\nweb1\n")
    assert [entry.name for entry in entries] == ["web1"]
    assert "winrm" in notes[0]


def test_groups_in_a_circle_end() -> None:
    entries, _, _ = read("[a]\nx\n[a:children]\nb\n[b:children]\na\n")
    assert entries[0].groups == {"all", "a", "b"}


def test_an_alias_bomb_ends_soon() -> None:
    lines = ["a0: &a0 {hosts: {x: }}"] + [
        f"a{n}: &a{n} {{children: {{" + ", ".join(f"c{m}: *a{n - 1}" for m in range(9)) + "}}" for n in range(1, 12)
    ]
    started = time.monotonic()
    _, _, fatal = read("\n".join(lines))
    assert fatal
    assert time.monotonic() - started < within(10)


def test_ten_thousand_hosts_are_read_soon() -> None:
    started = time.monotonic()
    entries, _, _ = read("[web]\nweb[00001:10000].example.com ansible_user=x\n")
    assert len(entries) == 10_000
    assert time.monotonic() - started < within(3)


# --- ranges and limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web[8:11]", ("web8", "web9", "web10", "web11")),
        ("web[08:11]", ("web08", "web09", "web10", "web11")),
        ("n[1:9:4]", ("n1", "n5", "n9")),
        ("db-[a:c]", ("db-a", "db-b", "db-c")),
        ("r[1:2]n[a:b]", ("r1na", "r1nb", "r2na", "r2nb")),
        ("root@[::1]:22", ("root@[::1]:22",)),
    ],
)
def test_ranges(pattern: str, names: tuple[str, ...]) -> None:
    assert expand(pattern) == names


@pytest.mark.parametrize("pattern", ["w[1:9999999999]", "w[1:300][1:300][1:300]", "w[1:5:0]", "w[a:5]", "w[]", "w[1:2"])
def test_ranges_that_are_none(pattern: str) -> None:
    with pytest.raises(BadInput):
        expand(pattern)


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        ("web9", ["web9"]),
        ("web", ["web01.example.com", "web02.example.com", "web03.example.com", "web9"]),
        (
            "web:db",
            ["web01.example.com", "web02.example.com", "web03.example.com", "web9", "db-a", "db-b", "db-c", "here"],
        ),
        ("web,!web9", ["web01.example.com", "web02.example.com", "web03.example.com"]),
        ("site,&web,!*.example.com", ["web9"]),
        ("~^db-[ab]$", ["db-a", "db-b"]),
        ("db-[a:b]", ["db-a", "db-b"]),
        ("10.0.0.9", ["web9"]),
        ("!site", ["mail.example.com"]),
    ],
)
def test_limit(limit: str, names: list[str]) -> None:
    assert [entry.name for entry in limited(read(INI)[0], limit)] == names


def test_limit_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "retry").write_text("web9\n# done\ndb-a\n")
    assert [entry.name for entry in limited(read(INI)[0], f"@{tmp_path}/retry")] == ["web9", "db-a"]


@pytest.mark.parametrize("limit", ["wep9", "web9,!web9", "@/no/such/file", "~["])
def test_a_limit_that_fits_nothing_is_said(limit: str) -> None:
    with pytest.raises(BadInput, match="--limit"):
        limited(read(INI)[0], limit)


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(BadInput, match="did you mean web9"):
        limited(read(INI)[0], "weg9")


# --- anything ----------------------------------------------------------------------------------------------------

PIECES = [
    "web1",
    "[g]",
    "[g:children]",
    "[g:vars]",
    "a=b",
    "all:",
    "  hosts:",
    "    x:",
    "[1:3]",
    "{",
    "}",
    '"',
    "'",
    "- x",
]
PIECES += [
    "&a",
    "*a",
    "[[",
    "]]",
    "\\",
    "#",
    "\t",
    "ansible_host=",
    "!!python/object:os.system",
    "? ",
    "| ",
    "\x00",
    "ü",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12), st.sampled_from(["", "h.yml"]))
def test_any_text_is_read_or_refused(pieces: list[str], name: str) -> None:
    for joint in ("\n", " ", ""):
        with contextlib.suppress(BadInput):
            read(joint.join(pieces), name)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["hosts", "vars", "children", "_meta"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "hosts", "vars", "children", "_meta", "hostvars", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    with contextlib.suppress(BadInput):
        read(json.dumps(value))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_limit_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):
        limited(read(INI)[0], text)
