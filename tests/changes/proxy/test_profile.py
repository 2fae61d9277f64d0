"""One proxy profile for all components: read, merged, written, taken back; no credential where it does not belong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.changes import engine
from anywhere.changes.base import ChangeFailed
from anywhere.changes.merging import merge_lines
from anywhere.changes.proxy import plan
from anywhere.changes.proxy.drop_ins import ORDER
from anywhere.changes.proxy.profile import (
    NEEDED,
    Profile,
    certificates,
    drop_in,
    environment_file,
    read_profile,
    split,
)
from anywhere.checks.network.proxy_profile import judge_profile
from anywhere.errors import BadInput
from anywhere.facts.system.quoting import assignments, parse_environment_file, parse_service
from anywhere.facts.system.units import SHOW, units
from anywhere.hosts.recording import Recording
from anywhere.model import Status
from tests.support.barehost import BareHost, snapshot
from tests.support.fakehost import FakeHost

region = pytest.mark.region
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
URL = "http://proxy.corp.example:3128"
SECRET = "g eh%im/#?:@\"'\\$ß"

MAKE_CA = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/k -out /run/ca.pem -subj /CN=corp -days 9"
_NAMES = st.sampled_from(["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"])
_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


def profile(url: str = URL, credentials: str = "", no_proxy: tuple[str, ...] = (), ca: bytes | None = None) -> Profile:
    return read_profile(url, credentials, no_proxy, ca)


# ---- reading


@pytest.mark.parametrize(
    "url",
    [
        "proxy:3128",
        "http://proxy",
        "socks5://proxy:1080",
        "http://proxy:3128/path",
        "http://pro xy:3128",
        "http://:3128",
    ]
    + [
        "http://proxy:99999",
        "https://10.0.0.1:443",  # both agents' channels cannot
        "http://proxy:3128?x",
        "http://u:p/w@proxy:3128",
        "http://-proxy:1",
        "",
        "http://[::1:3128",
    ],
)
def test_a_url_that_programs_would_read_differently_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        profile(url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://proxy:3128/", "http://proxy:3128"),
        ("HTTP://Proxy:3128", "http://proxy:3128"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
        ("http://10.0.0.1:443", "http://10.0.0.1:443"),
    ],
)
def test_a_url_is_kept_in_its_plain_form(url: str, address: str) -> None:
    assert profile(url).address == address


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_password_comes_back_from_the_url(password: str) -> None:
    found = profile(credentials=f"user:{password}")
    parts = urlsplit(found.url)
    assert (parts.username, unquote(parts.password or ""), parts.port) == ("user", password, 3128)
    assert found.url.isascii() and not set(found.url) & set(" \"'\\$#`")
    assert "user" not in repr(found)


@pytest.mark.parametrize("credentials", ["user", ":pw", "a:b\nc:d", "user pw"])
def test_credentials_in_another_form_are_refused_without_being_shown(credentials: str) -> None:
    with pytest.raises(BadInput) as error:
        profile(credentials=credentials)
    assert "pw" not in str(error.value)


def test_credentials_given_twice_or_without_a_proxy_are_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        profile("http://u:p@proxy:1", credentials="u:p")
    with pytest.raises(BadInput, match="without a proxy"):
        profile("", credentials="u:p")


def test_exclusions_are_completed_and_never_lost() -> None:
    found = profile(no_proxy=("10.0.0.0/8, .corp", "10.0.0.0/8"))
    assert split(found.exclusions("intern,.corp")) == ("10.0.0.0/8", ".corp", "intern", *NEEDED)
    assert found.exclusions("*") == "*"
    with pytest.raises(BadInput):
        profile(no_proxy=("a;b",))


def test_a_private_key_or_no_certificate_is_refused() -> None:
    for text in (
        b"-----BEGIN PRIVATE KEY-----",
        b"",
        b"\x30\x82",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ):
        with pytest.raises(BadInput):
            certificates(text)


@given(st.binary(max_size=300), st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_nothing_that_is_given_ends_in_a_traceback(ca: bytes, url: str, credentials: str, no_proxy: str) -> None:
    said = ""
    try:
        read_profile(url, credentials, (no_proxy,), ca)
    except BadInput as error:
        said = str(error)
    assert "\n" not in said


# ---- writing


@given(st.dictionaries(_NAMES, _VALUES, min_size=1))
def test_a_drop_in_says_to_systemd_what_was_meant(values: dict[str, str]) -> None:
    said: dict[str, str] = {}
    for key, value in parse_service(drop_in(values)):
        assert key == "Environment"
        said.update(assignments(value.replace("%%", "%")))
    assert said == values


@given(st.dictionaries(_NAMES, _VALUES, min_size=1))
def test_an_environment_file_says_to_systemd_what_was_meant(values: dict[str, str]) -> None:
    assert parse_environment_file(environment_file(values)) == values


@given(st.text(st.sampled_from("AB=\n\r# x")), st.dictionaries(_NAMES, st.sampled_from(["p", "q"]), max_size=3))
def test_a_merge_sets_the_values_and_touches_nothing_else(text: str, values: dict[str, str]) -> None:
    merged, undo = merge_lines(text, values)
    now = dict(line.partition("=")[::2] for line in merged.splitlines())
    assert all(now[name] == value for name, value in values.items())
    assert len(merged.splitlines()) == len(text.splitlines()) + sum(before is None for _, before in undo)
    assert merge_lines(merged, values) == (merged, ())


def test_the_last_line_of_a_name_counts_and_a_missing_line_end_is_fixed() -> None:
    merged, undo = merge_lines("NO_PROXY=a\nX=1\nNO_PROXY=b", {"NO_PROXY": "c", "HTTP_PROXY": "p"})
    assert merged == "NO_PROXY=a\nX=1\nNO_PROXY=c\nHTTP_PROXY=p\n"
    assert undo == (("NO_PROXY=c", "NO_PROXY=b"), ("HTTP_PROXY=p", None))


def keys(files: dict[str, str], **more: bool) -> list[str]:
    return [step.key for step in plan.plan(FakeHost(files), profile(), **more)]


def test_every_component_gets_it_before_and_after_it_is_installed() -> None:
    found = keys({})
    assert [key.split("/")[4] for key in found if key.startswith("file:/etc/systemd")] == [
        "docker.service.d",
        "amazon-ssm-agent.service.d",
        "ecs.service.d",
    ]
    assert "file:/etc/ecs/ecs.config" in found
    snap = "snap.amazon-ssm-agent.amazon-ssm-agent.service"
    assert any(snap in key for key in keys({f"/etc/systemd/system/{snap}": "[Service]\nExecStart=/x\n"}))


def test_what_runs_is_restarted_in_the_order_in_which_it_hangs_together() -> None:
    shown = "".join(
        f"Id={name}\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=1\nNeedDaemonReload=no\n\n"
        for name in reversed(ORDER)
    )
    host = FakeHost({}, {SHOW: shown})
    titles = [step.title for step in plan.plan(host, profile(), restart=True) if step.key == "restart"]
    assert titles == [f"restart {', then '.join(ORDER)}"]
    assert ORDER.index("docker.service") < ORDER.index("amazon-ssm-agent.service") < ORDER.index("ecs.service")


def test_what_says_the_same_already_is_left_alone() -> None:
    whole = f"HTTP_PROXY={URL}\nHTTPS_PROXY={URL}\nNO_PROXY={','.join(NEEDED)},more\n"
    assert "file:/etc/ecs/ecs.config" not in keys({"/etc/ecs/ecs.config": whole})
    unit = "[Service]\n" + "".join(f"Environment={line}\n" for line in whole.split())
    path = "/etc/systemd/system/docker.service"
    assert not any("docker.service.d" in key for key in keys({path: unit}))


@pytest.mark.parametrize("form", ["/etc/default/site-proxy", "-/etc/default/site-*"])
def test_a_proxy_of_an_environment_file_is_won_over_by_a_later_one(form: str) -> None:
    folder = "/etc/systemd/system/docker.service.d"
    there = {
        "/etc/systemd/system/docker.service": "[Service]\nExecStart=/x\n",
        f"{folder}/site.conf": f"[Service]\nEnvironmentFile={form}\n",
        "/etc/default/site-proxy": "https_proxy=http://old:1\nNO_PROXY=intern\n",
    }
    steps = {step.key: step for step in plan.plan(FakeHost(there), profile())}
    ours = {
        path: steps[f"file:{path}"].do.input.decode()
        for path in (f"{folder}/zz-anywhere-proxy.{kind}" for kind in ("env", "conf"))
    }
    after = FakeHost(there | ours)
    found = units(after)["docker.service"].environment
    assert (found["HTTPS_PROXY"], found["HTTP_PROXY"]) == (URL, URL) and "intern" in split(found["NO_PROXY"])
    assert not [step.key for step in plan.plan(after, profile()) if folder in step.key]
    assert set(ours) <= set(plan.traces(after))


def test_upper_case_names_of_the_ssm_agent_are_taken_along_because_they_win() -> None:
    unit, folder = "amazon-ssm-agent.service", "/etc/systemd/system/amazon-ssm-agent.service.d"
    there = {
        f"/etc/systemd/system/{unit}": "[Service]\nExecStart=/x\nEnvironment=HTTPS_PROXY=http://old:1\n",
    }
    steps = {step.key: step for step in plan.plan(FakeHost(there), profile())}
    path = f"{folder}/zz-anywhere-proxy.conf"
    after = FakeHost(there | {path: steps[f"file:{path}"].do.input.decode()})
    found = units(after)[unit].environment
    assert found["HTTPS_PROXY"] == found["https_proxy"] == URL and "HTTP_PROXY" not in found
    assert not [step.key for step in plan.plan(after, profile()) if folder in step.key]


def test_what_ecs_config_says_is_merged_there_alone() -> None:
    there = {
        "/etc/systemd/system/ecs.service": "[Service]\nEnvironmentFile=-/etc/ecs/ecs.config\n",
        "/etc/ecs/ecs.config": "HTTP_PROXY=http://old:1\n",
    }
    assert not [step.key for step in plan.plan(FakeHost(there), profile()) if step.key.endswith(".env")]


def test_proxies_in_daemon_json_are_merged_because_they_win() -> None:
    path = "/etc/docker/daemon.json"
    assert f"file:{path}" not in keys({path: '{"bip": "10.1.0.1/24"}'})
    steps = plan.plan(
        FakeHost({path: '{"bip": "x", "proxies": {"http-proxy": "http://old:1", "no-proxy": "a"}}'}), profile()
    )
    text = next(step.do.input.decode() for step in steps if step.key == f"file:{path}")
    assert '"bip": "x"' in text and URL in text and '"no-proxy": "a,' in text
    with pytest.raises(ChangeFailed, match="not valid JSON"):
        keys({path: "{"})


# ---- on a host


@pytest.fixture
def host() -> Iterator[BareHost]:
    with BareHost() as made:
        made.sh(
            "mkdir -p /etc/ecs /etc/systemd/system/docker.service.d; rm -f /etc/apt/apt.conf.d/95*;"
            "printf 'ECS_CLUSTER=a\\nNO_PROXY=intern' > /etc/ecs/ecs.config;"
            "printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/docker.service;"
            "printf '[Service]\\nEnvironment=NO_PROXY=registry\\n' > /etc/systemd/system/docker.service.d/http-proxy.conf"
        )
        yield made


@region
@root
@pytest.mark.parametrize("credentials", ["", f"user:{SECRET}"])
def test_apply_and_revert_leave_the_files_as_they_were(host: BareHost, credentials: str) -> None:
    before = snapshot(host)
    wanted = profile(credentials=credentials, no_proxy=("10.0.0.0/8",))
    assert not engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, wanted, packages=True)).left
    config = parse_environment_file(host.sh("cat /etc/ecs/ecs.config"))
    assert config["ECS_CLUSTER"] == "a" and config["HTTPS_PROXY"] == wanted.url
    assert set(split(config["NO_PROXY"])) == {"10.0.0.0/8", "intern", *NEEDED}
    assert "registry" in host.sh("cat /etc/systemd/system/docker.service.d/zz-anywhere-proxy.*")
    units = host.sh("cat /etc/systemd/system/*.d/zz-anywhere-proxy.conf")
    assert ("Environment=" in units) is not bool(credentials)
    mode = "600" if credentials else "644"
    files = "/etc/ecs/ecs.config /etc/systemd/system/*.d/zz-anywhere-proxy.conf /etc/apt/apt.conf.d/95anywhere-proxy"
    assert set(host.sh(f"stat -c %a {files}").split()) == {mode}
    assert not engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, wanted, packages=True)).done
    assert not engine.revert(host, plan.JOURNAL).failed
    assert snapshot(host) == before


@region
@root
def test_no_credentials_of_before_are_left_by_a_profile_without_any(host: BareHost) -> None:
    before = snapshot(host)
    for wanted in (profile(credentials="user:geheim"), profile("http://10.0.0.9:3128")):
        engine.apply(host, plan.JOURNAL, lambda seen, wanted=wanted: plan.plan(seen, wanted))
    written = host.sh("cat /etc/systemd/system/*.d/zz-anywhere-proxy.*")
    assert "geheim" not in written and "10.0.0.9" in written
    assert not engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, profile("http://10.0.0.9:3128"))).done
    assert not engine.revert(host, plan.JOURNAL).failed
    assert snapshot(host) == before


@region
@root
def test_a_line_that_was_added_since_stays_when_ours_go(host: BareHost) -> None:
    engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, profile()))
    host.sh("echo ECS_LOGLEVEL=debug >> /etc/ecs/ecs.config")
    assert not engine.revert(host, plan.JOURNAL).failed
    assert host.sh("cat /etc/ecs/ecs.config") == "ECS_CLUSTER=a\nNO_PROXY=intern\nECS_LOGLEVEL=debug\n"


@region
@root
def test_the_ca_goes_in_by_the_distributions_tool_and_out_again(host: BareHost) -> None:
    host.sh("update-ca-certificates -f")
    host.sh(MAKE_CA)
    before = snapshot(host)
    wanted = profile("", ca=host.read("/run/ca.pem"))
    done = engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, wanted))
    assert [step.key.partition(":")[0] for step in done.done] == ["file", "trust-store", "reload"] and not done.left
    trusts = "SSL_CERT_FILE= SSL_CERT_DIR= openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt /run/ca.pem"
    assert "OK" in host.sh(trusts)
    host.sh("sed -i '$d' /etc/ssl/certs/ca-certificates.crt; : > /etc/ssl/certs/ca-certificates.crt")
    left = plan.plan(Recording(host), wanted)
    assert [step.key for step in left][:1] == ["trust-store"], "a run that died before the tool ran is completed"
    engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, wanted))
    assert not engine.revert(host, plan.JOURNAL).failed
    without_java = [line for line in snapshot(host).splitlines() if "java/cacerts" not in line]
    assert without_java == [line for line in before.splitlines() if "java/cacerts" not in line]


@region
@root
def test_the_generic_rpm_build_of_the_agent_gets_a_copy_beside_its_own_bundle(host: BareHost) -> None:
    release = b'ID=rocky\nVERSION_ID=9.4\nID_LIKE="rhel centos fedora"\nNAME=Rocky\n'
    host.run(("install", "-m", "644", "/dev/stdin", "/etc/os-release"), input=release)
    host.sh(MAKE_CA)
    wanted = profile("", ca=host.read("/run/ca.pem"))
    steps = plan.plan(Recording(host), wanted)
    assert any(step.key.startswith("file:/etc/pki/ca-trust/source/anchors/") for step in steps)
    assert any(step.key.startswith("file:/etc/ecs/anywhere-ca/") for step in steps)
    config = next(step.do.input.decode() for step in steps if step.key == "file:/etc/ecs/ecs.config")
    assert config == "ECS_CLUSTER=a\nNO_PROXY=intern\nSSL_CERT_DIR=/etc/ecs/anywhere-ca\n"


@region
@root
def test_verify_names_what_is_missing(host: BareHost) -> None:
    found = list(judge_profile(Recording(host), profile(), False))
    assert {f.status for f in found} == {Status.FAIL} and any("ecs.config" in f.subject for f in found)
    engine.apply(host, plan.JOURNAL, lambda seen: plan.plan(seen, profile()))
    assert [f.status for f in judge_profile(Recording(host), profile(), False)] == [Status.PASS]


@region
@root
@pytest.mark.parametrize("format", ["table", "json", "shell"])
def test_the_password_is_in_no_output_no_argv_and_no_journal(host: BareHost, format: str) -> None:
    host.sh("cat > /run/cred <<'E'\nuser:GeHeimesWort%1\nE\nmkdir -p /run/log")
    # Every program that is started notes its words.
    shim = '#!/bin/sh\necho "$0 $*" >> /run/log/argv\nexec /usr/bin/%s "$@"\n'
    for name in ("install", "cat", "dd", "stat"):
        host.sh(
            f"mkdir -p /usr/local/bin; printf '{shim % name}' > /usr/local/bin/{name}; chmod 755 /usr/local/bin/{name}"
        )
    run = f"cd {os.getcwd()} && {sys.executable} -m anywhere proxy"
    options = f"--url {URL} --credentials-file /run/cred"
    said = host.run(("sh", "-c", f"{run} plan {options} --format {format} && {run} apply {options}"))
    assert said.ok, said.stderr
    seen = said.stdout + said.stderr + host.sh("cat /run/log/argv /var/lib/anywhere/*.journal")
    assert "GeHeimesWort" not in seen and "install" in seen
    assert "GeHeimesWort%251" in host.sh("cat /etc/ecs/ecs.config")


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "http://u:geheim@p:1"],
        ["--url", "http://p:1", "--credentials-file", "/nonexistent"],
        ["--url", "http://p:1", "--url-file", "/etc/hostname"],
        ["--url-file", "-", "--credentials-file", "-"],
        ["--ca", "/dev/null"],
        ["--url", "http://p:1", "--credentials-file", "/dev/null"],
        ["--url-file", "/dev/null"],
        ["--url-file", "-", "--ask-become-pass"],
        ["--url", "http://p:1", "--credentials-file", "-", "--ca", "-"],
        [],
    ],
)
def test_bad_words_are_one_line_and_exit_code_2(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anywhere", "proxy", "plan", *words], capture_output=True, text=True, input="geheim\n"
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "geheim" not in done.stderr
