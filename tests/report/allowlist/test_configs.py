"""The endpoint list as files: golden pages, the JSON schema, and what squid and nft make of them."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.catalogue.endpoints import endpoints, find_region, regions
from anywhere.flows.announced.firewall_request import Flow
from anywhere.report.allowlist import firewall_request
from anywhere.report.allowlist.configs import nftables, squid
from anywhere.report.allowlist.sheet import Sheet, as_csv, as_json, plain
from anywhere.report.allowlist.table import table
from anywhere.settings import FEATURES, PHASES

ROOT = Path(__file__).parent.parent.parent.parent
CASES = ROOT / "tests" / "cases" / "endpoints"
SCHEMA = json.loads((ROOT / "schemas" / "endpoints-1.json").read_text())
WHEN = "2026-11-21T10:00:00Z"
ANSWERS = {
    "ecs.us-east-1.amazonaws.com": ("192.0.2.10", "2001:db8::10"),
    "ecs-a-1.us-east-1.amazonaws.com": ("192.0.2.11",),
    "ecs-t-1.us-east-1.amazonaws.com": ("192.0.2.11",),
    "ssm.us-east-1.amazonaws.com": ("0.0.0.0", "127.0.0.1", "::1", "224.0.0.1", "fe80::1%eth0", "not an address"),
    "ssmmessages.us-east-1.amazonaws.com": ("192.0.2.12", "192.0.2.9"),
    "s3.us-east-1.amazonaws.com": ("198.51.100.7",),
}


def sheet(region: str = "us-east-1", features: tuple[str, ...] = (), **options: bool) -> Sheet:
    found = endpoints(region, features=features, **options)
    return Sheet.of(find_region(region), found, features=features, phases=PHASES, **options)


FULL = sheet(features=FEATURES)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("core.table.txt", lambda: table(sheet())),
        ("core.narrow.txt", lambda: table(sheet(), width=72)),
        ("full.table.txt", lambda: table(FULL)),
        ("china.table.txt", lambda: table(sheet("cn-north-1", ("ecr", "logs"), dualstack=True))),
        ("core.plain.txt", lambda: plain(sheet())),
        ("core.csv", lambda: as_csv(sheet())),
        ("full.csv", lambda: as_csv(FULL)),
        ("core.json", lambda: as_json(sheet())),
        ("full.squid.conf", lambda: squid(FULL)),
        ("core.nft", lambda: nftables(sheet(features=("ecr",)), ANSWERS, WHEN)),
    ],
)
def test_export_is_the_golden_one(name, made):
    golden = CASES / name
    if os.environ.get("ANYWHERE_NEW_GOLDENS"):
        golden.write_text(made())
    assert made() == golden.read_text()


@pytest.mark.parametrize("region", regions())
def test_json_fits_its_schema(region):
    for dualstack, fips in ((False, False), (True, True)):
        document = json.loads(as_json(sheet(region, FEATURES, dualstack=dualstack, fips=fips)))
        jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)


def test_schema_knows_the_words_of_the_settings():
    assert tuple(SCHEMA["$defs"]["feature"]["enum"]) == FEATURES
    assert tuple(SCHEMA["$defs"]["phase"]["enum"]) == PHASES


def test_every_pattern_is_in_every_format():
    made = [table(FULL, width=400), as_json(FULL), as_csv(FULL), plain(FULL)]
    for pattern in FULL.patterns:
        assert all(pattern in text for text in made), pattern


def test_table_keeps_its_width_and_a_host_name_whole_where_it_fits():
    for width in (40, 72, 80, 100, 120, 130, 160):
        assert max(map(len, table(sheet(), width=width).splitlines())) <= width
    for width in (72, 160):
        assert "ecs-a-*.us-east-1.amazonaws.com" in table(sheet(), width=width)
    assert "\x1b[" in table(sheet(), colour=True) and "\x1b" not in table(sheet())


@pytest.mark.parametrize("width", [60, 80, 119, 120, 140, 160])
def test_table_says_the_same_with_and_without_color_and_loses_no_letter(width: int) -> None:
    plain_lines = table(FULL, width=width).splitlines()
    coloured = re.sub(r"\x1b\[[0-9]*m", "", table(FULL, width=width, colour=True)).splitlines()
    assert [line.rstrip() for line in coloured] == plain_lines
    assert "…" not in "".join(plain_lines)
    if width >= 120:  # columns: what stands in "Why" between its two edges, its lines put together again
        head = next(line for line in plain_lines if line.startswith(" Host"))
        why = "".join(line[head.index("Why") : head.index("Source")] for line in plain_lines)
        for rule in FULL.rules:
            assert "".join(rule.purpose.split()) in "".join(why.split())


def test_csv_has_one_line_for_each_use_of_a_host():
    rows = list(csv.DictReader(StringIO(as_csv(FULL))))
    assert len(rows) == len(FULL.rules)
    ssm = [row for row in rows if row["host"] == "ssm.us-east-1.amazonaws.com"]
    assert [(row["component"], row["feature"]) for row in ssm] == [("ssm-agent", "core"), ("ecs-agent", "secrets")]


def test_plain_names_stand_before_the_first_blank():
    names = [line.split()[0] for line in plain(FULL).splitlines() if not line.startswith("#")]
    assert tuple(names) == FULL.patterns


def elements(text: str) -> list[str]:
    return [line.strip(" \t,") for line in text.splitlines() if line.startswith("\t") and line.endswith(",")]


def test_nftables_leaves_out_sinkholes_and_says_what_is_missing():
    text = nftables(sheet(features=("ecr",)), ANSWERS, WHEN)
    assert elements(text) == ["192.0.2.9", "192.0.2.10", "192.0.2.11", "192.0.2.12", "198.51.100.7", "2001:db8::10"]
    assert "# NOT IN THE SETS, no usable address: ssm.us-east-1.amazonaws.com" in text
    assert "# ecs-a-*.us-east-1.amazonaws.com: 1 of the first 12 names resolved" in text
    assert "# Not in the sets, no name without an account or bucket: *.dkr.ecr.us-east-1.amazonaws.com" in text
    assert WHEN in text and "go stale" in text


@given(st.lists(st.one_of(st.text(), st.ip_addresses().map(str))))
def test_nftables_takes_any_answer(texts):
    one = sheet()
    listed = elements(nftables(one, {one.rules[0].hosts[0]: tuple(texts)}, WHEN))
    assert set(listed) <= {text.lower() for text in texts} | set(texts)
    assert len(listed) == len(set(listed))


def in_namespace(name: str, *argv: str, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", "netns", "exec", name, *argv], input=input, capture_output=True, text=True, timeout=30)


@pytest.fixture
def namespace():
    name = f"anywhere-list-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        in_namespace(name, "ip", "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.region
def test_nft_loads_the_sets_again_and_keeps_rules(namespace, tmp_path):
    first, second = tmp_path / "first.nft", tmp_path / "second.nft"
    first.write_text(nftables(FULL, ANSWERS, WHEN))
    second.write_text(nftables(FULL, {"ecs.us-east-1.amazonaws.com": ("203.0.113.1",)}, WHEN))
    for path in (first, second):
        checked = in_namespace(namespace, "nft", "-c", "-f", str(path))
        assert (checked.returncode, checked.stderr) == (0, "")
    assert in_namespace(namespace, "nft", "-f", str(first)).returncode == 0
    rule = "add chain inet anywhere_endpoints out; add rule inet anywhere_endpoints out ip daddr @ipv4 accept"
    assert in_namespace(namespace, "nft", rule).returncode == 0
    assert in_namespace(namespace, "nft", "-f", str(second)).returncode == 0
    listed = in_namespace(namespace, "nft", "list", "table", "inet", "anywhere_endpoints").stdout
    assert "elements = { 203.0.113.1 }" in listed and "192.0.2" not in listed and "2001:db8" not in listed
    assert "ip daddr @ipv4 accept" in listed


ALLOWED = (
    "ecs.us-east-1.amazonaws.com",
    "ECS.us-east-1.amazonaws.com",
    "ecs-a-7.us-east-1.amazonaws.com",
    "ECS-T-112.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "my-bucket.s3.us-east-1.amazonaws.com",
    "public.ecr.aws",
)
DENIED = (
    "ecs-a-7.us-east-2.amazonaws.com",
    "evil.ecs.us-east-1.amazonaws.com",
    "x.ecs-a-7.us-east-1.amazonaws.com",
    "ecs-a-7.us-east-1.amazonaws.com.evil.example",
    "ecs-a-7xus-east-1.amazonaws.com",
    "dkr.ecr.us-east-1.amazonaws.com",
    "127.0.0.1",
)
CONNECTS = """
import socket, sys
far = socket.create_server(("127.0.0.1", 443))
for target in sys.argv[1:]:
    with socket.create_connection(("127.0.0.1", 3128), 10) as proxy:
        proxy.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n\\r\\n".encode())
        print(target, proxy.recv(4096).split()[1].decode(), flush=True)
"""


@pytest.fixture
def open_folder():
    """A folder that squid's own user can read, as pytest's is not."""
    with TemporaryDirectory(prefix="anywhere-squid-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.region
def test_squid_lets_through_the_listed_names_alone(namespace, open_folder):
    hosts = open_folder / "hosts"
    hosts.write_text("".join(f"127.0.0.1 {name.lower()}\n" for name in (*ALLOWED, *DENIED)))
    (open_folder / "list.conf").write_text(squid(FULL))
    conf = open_folder / "squid.conf"
    conf.write_text(
        f"include {open_folder}/list.conf\nhttp_access deny all\nhttp_port 127.0.0.1:3128\nhosts_file {hosts}\n"
        "dns_nameservers 127.0.0.1\npid_filename none\naccess_log none\ncache_log /dev/null\ncache deny all\n"
        "netdb_filename none\nshutdown_lifetime 0 seconds\n"
    )
    parsed = in_namespace(namespace, "squid", "-k", "parse", "-f", str(conf))
    said = parsed.stdout + parsed.stderr
    assert parsed.returncode == 0 and not any(word in said for word in ("WARNING", "ERROR", "FATAL")), said
    server = subprocess.Popen(["ip", "netns", "exec", namespace, "squid", "-N", "-f", str(conf)])
    try:
        wait = "import socket; socket.create_connection(('127.0.0.1', 3128), 1)"
        end = time.monotonic() + 20
        while in_namespace(namespace, sys.executable, "-c", wait).returncode and time.monotonic() < end:
            time.sleep(0.1)
        targets = [f"{name}:443" for name in (*ALLOWED, *DENIED)] + ["ecs.us-east-1.amazonaws.com:80"]
        done = in_namespace(namespace, sys.executable, "-c", CONNECTS, *targets)
        assert not done.stderr, done.stderr
        answers = dict(line.split() for line in done.stdout.splitlines())
        assert {target: code for target, code in answers.items() if code == "200"}.keys() == set(
            targets[: len(ALLOWED)]
        )
        assert {answers[target] for target in targets[len(ALLOWED) :]} == {"403"}
    finally:
        server.kill()
        server.wait()


def test_a_firewall_request_fits_its_schema() -> None:
    schema = json.loads((ROOT / "schemas" / "firewall-request-1.json").read_text())
    flows = [
        Flow(
            "10.0.0.7",
            "web1",
            "ssm.us-east-1.amazonaws.com",
            443,
            "direct",
            "ssm-agent",
            ("run",),
            needed,
            "API",
            fails,
        )
        for needed, fails in (("required", "connect: timeout"), ("recommended", ""))
    ]
    for rows in ((), flows):
        jsonschema.Draft202012Validator(schema).validate(json.loads(firewall_request.as_json(rows)))


def test_every_schema_that_is_printed_is_shipped() -> None:
    """`anywhere/NAME/1` in the output is `schemas/NAME-1.json`; a bundle is for this program alone."""
    text = "".join(path.read_text() for path in (ROOT / "anywhere").rglob("*.py") if "report" in path.parts)
    named = {f"{name}-{version}.json" for name, version in re.findall(r'"anywhere/([a-z-]+)/(\d+)"', text)}
    assert named - {path.name for path in (ROOT / "schemas").iterdir()} == set()
