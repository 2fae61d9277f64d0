"""Planted secrets: wherever a host holds one, no format, no bundle and no log shows it, near or over SSH."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.report import FORMATS
from tests.support.sample import spread
from tests.support.ssh.remote import Remote, remote

pytestmark = pytest.mark.region

MARK = "Pl4nted"
PROXY_PASSWORD, REGISTRY, KEY, TOKEN = f"{MARK}proxy", f"{MARK}registry", f"{MARK}key", f"{MARK}token"
CODE, ACTIVATION, PRIVATE, SUDO = f"{MARK}code", f"{MARK}-0123-4567-89ab-cdef01234567", f"{MARK}private", f"{MARK}sudo"
# What logs, settings and command lines hold, one secret each. Each secret begins with the mark and a number.
LINES = (
    "amazon-ssm-agent -register -code {} -id 0a1b2c3d-0123-4567-89ab-cdef01234567 -region us-east-1",
    "Proxy environment variables: https_proxy: http://user:{}@10.47.2.80:3128",
    "AccessDenied X-Amz-Security-Token={}",
    "https://s3.example/x?X-Amz-Signature={}&X-Amz-Expires=60",
    "secret={}",
    "retrying with token={} of the cluster",
    "TOKEN {}",
    "the token {} was refused",
    "invalid token: {}",
    "password is {}",
    "using secret key {} of the vault",
    "login with api key {}",
    "got bearer {}",
    "activation code {}",
    "Authorization: AWS4-HMAC-SHA256 Credential=abc, Signature={}",
    "Proxy-Authorization: Basic {}",
    "Set-Cookie: session={}; Path=/",
    "{{Username:u Password:{} Email:e}}",
    "{{Name:x Token:{} Other:y}}",
    'level=error msg="login failed" password="{}"',
    'level=error msg="login --password={} refused"',
    "docker login -u u --password {} r.example",
    "docker login -u u -p x --token {} r.example",
    "curl -u user:{} https://x",
    "curl --proxy-user edge:{} https://x",
    "git clone https://user:{}@git.example/r",
    "GET 169.254.170.2/v2/credentials/{}",
    "POST https://hooks.slack.com/services/T0/B0/{}",
    "https://x.blob.example/c?sv=1&sig={}",
    "https://r.example/v2?access_token={}&x=1",
    "AccountKey={};EndpointSuffix=x",
    "export DB_PASSWORD={}",
    "DB_PWD={}",
    "PGPASSWORD={} psql",
    "GITHUB_TOKEN={}",
    "//registry.example/:_authToken={}",
    'environment [{{"name":"DB_PASSWORD","value":"{}"}}]',
    '{{"privateKey":"{}"}}',
    '{{"auths":{{"r.example":{{"auth":"{}"}}}}}}',
    '{{"registrytoken":"{}"}}',
    "splunk-token={}",
)
LOG_OPTS = (
    "splunk-token",
    "logentries-token",
    "apikey",
    "license_key",
    "Shared_Key",
    "HTTP_Passwd",
    "logzio-token",
    "sas-token",
)
SHAPES = ("", "Zz9", "-x_y", "+/x9==", "qQ.z")
_numbers = iter(range(1000))
PLANTED: list[str] = []


def secret() -> str:
    """One more secret, of another shape than the last."""
    number = next(_numbers)
    PLANTED.append(f"{MARK}{number:02}{SHAPES[number % len(SHAPES)]}")
    return PLANTED[-1]


SETTINGS = (
    "ECS_SPLUNK_TOKEN={}",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN={}",
    "ECS_VAULT_SECRET={}",
    "SSM_ACTIVATION_CODE={}",
)
ECS_CONFIG = "\n".join(
    (
        "ECS_CLUSTER=c",
        "ECS_ENGINE_AUTH_TYPE=docker",
        f'ECS_ENGINE_AUTH_DATA={{"https://index.docker.io/v1/":{{"username":"u","password":"{REGISTRY}","email":"e"}}}}',
        f"HTTP_PROXY=http://user:{PROXY_PASSWORD}@10.47.2.80:3128",
        f"AWS_SECRET_ACCESS_KEY={KEY}",
        *(line.format(secret()) for line in SETTINGS),
        "",
    )
)
DROP_IN = (
    f'[Service]\nEnvironment="HTTPS_PROXY=http://user:{PROXY_PASSWORD}@10.47.2.80:3128" "AWS_SESSION_TOKEN={TOKEN}"\n'
    f"Environment=SPLUNK_TOKEN={secret()}\n"
)
DAEMON_JSON = json.dumps(
    {
        "proxies": {"https-proxy": f"http://user:{PROXY_PASSWORD}@10.47.2.80:3128"},
        "log-driver": "splunk",
        "log-opts": {
            **{name: secret() for name in LOG_OPTS},
            "gelf-address": f"udp://user:{secret()}@graylog:12201",
            "sumo-url": f"https://collection.example/receiver/v1/http/{secret()}",
            "tag": "kept",
        },
    },
    indent=1,
)
LOG = "".join(f"2026-11-20 10:00:00 INFO {line.format(secret())}\n" for line in LINES)
CREDENTIALS = (
    f"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {KEY}\naws_session_token={TOKEN}\n"
)
REGISTRATION = json.dumps(
    {"instanceID": "mi-0123456789abcdef0", "region": "us-east-1", "privateKey": PRIVATE, "privateKeyType": "Rsa"}
)


@pytest.fixture(scope="module")
def planted(shared_room: Path) -> Iterator[Remote]:
    from tests.region.options import Options
    from tests.region.region import Region

    made = Region.__init__

    def plant(self: Region, *words: object, **named: object) -> None:
        made(self, *words, **named)
        self.world.host.files |= {
            "/etc/ecs/ecs.config": ECS_CONFIG,
            "/var/lib/ecs/ecs.config": ECS_CONFIG,
            "/etc/systemd/system/docker.service.d/proxy.conf": DROP_IN,
            "/etc/systemd/system/amazon-ssm-agent.service.d/proxy.conf": DROP_IN,
            "/etc/docker/daemon.json": DAEMON_JSON,
            "/var/log/amazon/ssm/amazon-ssm-agent.log": LOG,
            "/var/log/ecs/ecs-agent.log": LOG,
            "/root/.aws/credentials": CREDENTIALS,
            "/var/lib/amazon/ssm/Vault/Store/RegistrationKey": REGISTRATION,
            "/etc/environment": f"https_proxy=http://user:{PROXY_PASSWORD}@10.47.2.80:3128\nAWS_SECRET_ACCESS_KEY={KEY}\n",
        }
        self.world.environment |= {
            "HTTPS_PROXY": f"http://user:{PROXY_PASSWORD}@10.47.2.80:3128",
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_SESSION_TOKEN": TOKEN,
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Region, "__init__", plant)
        with remote(shared_room, (), Options()) as far:
            yield far


def clean(*texts: str) -> None:
    for text in texts:
        assert MARK not in text, text[max(0, text.index(MARK) - 200) : text.index(MARK) + 60]
        assert "AKIAIOSFODNN7EXAMPLE" not in text


@pytest.mark.parametrize("name", spread(sorted(FORMATS), 5))
def test_no_format_shows_a_secret(planted: Remote, name: str) -> None:
    far = planted.anywhere("check", "--host", planted.spec, "--region", "us-east-1", "--format", name)
    near = planted.region.run([sys.executable, "-m", "anywhere", "check", "--region", "us-east-1", "--format", name])
    assert far.stdout
    assert near.stdout
    clean(far.stdout, far.stderr, near.stdout, near.stderr)


def test_no_bundle_holds_a_secret_and_the_preview_says_what_was_masked(planted: Remote) -> None:
    path = planted.home / "b.json.gz"
    done = planted.anywhere("check", "--host", planted.spec, "--region", "us-east-1", "--save", str(path))
    held = gzip.decompress(path.read_bytes()).decode()
    clean(done.stdout, done.stderr, held)
    assert "ECS_ENGINE_AUTH_DATA" in held
    assert '\\"tag\\": \\"kept\\"' in held
    shown = subprocess.run([sys.executable, "-m", "anywhere", "bundle", "show", path], capture_output=True, text=True)
    clean(shown.stdout, shown.stderr)
    assert "masked  ECS_ENGINE_AUTH_DATA=***" in shown.stdout
    again = subprocess.run(
        [sys.executable, "-m", "anywhere", "check", "--host", path, "--format", "json"], capture_output=True, text=True
    )
    clean(again.stdout, again.stderr)


def test_sixty_secrets_are_planted() -> None:
    assert len({*PLANTED, PROXY_PASSWORD, REGISTRY, KEY, TOKEN, CODE, PRIVATE}) >= 60


@pytest.mark.parametrize(
    "words", [("rules", "plan"), ("proxy", "plan", "--url", "http://10.47.2.80:3128"), ("check", "--region", "nowhere")]
)
def test_nothing_said_to_the_curious_holds_a_secret(planted: Remote, words: tuple[str, ...]) -> None:
    """With ANYWHERE_DEBUG, and in plans, which show what files hold before."""
    for more in ((), ("--format", "json")):
        done = planted.region.run(["env", "ANYWHERE_DEBUG=1", sys.executable, "-m", "anywhere", *words, *more])
        clean(done.stdout, done.stderr)


def test_no_file_of_later_steps_holds_a_secret(planted: Remote, tmp_path: Path) -> None:
    """Reports written to files, joined, and judged again from bundles; differences; a run with its own faults shown."""
    words = ("check", "--host", planted.spec, "--region", "us-east-1", "--format", "json")
    saved, report, page = (str(tmp_path / name) for name in ("b.json.gz", "r.json", "r.html"))
    done = planted.anywhere(*words, "--output", report, "--save", saved)
    texts = [done.stdout, done.stderr]
    for more in (
        ("report", "merge", report, report, "--format", "html", "--output", page),
        ("report", "merge", report, "--format", "junit"),
        ("bundle", "diff", saved, saved),
        ("bundle", "show", saved, "--observation", "read"),
        ("bundle", "show", saved, "--format", "json"),
        ("check", saved, "--region", "eu-west-1"),
        ("taskdef", "fit", "tests/cases/taskdef/documents/describe.json", "--host", saved, "--no-reach"),
    ):
        later = subprocess.run([sys.executable, "-m", "anywhere", *more], capture_output=True, text=True)
        texts += [later.stdout, later.stderr]
    clean(*texts, Path(report).read_text(), Path(page).read_text())


def test_a_name_that_is_no_secret_is_not_masked(planted: Remote) -> None:
    done = planted.anywhere("check", "--host", planted.spec, "--region", "us-east-1", "--format", "json")
    target = json.loads(done.stdout)["targets"][0]
    shown = [f["subject"] + f["summary"] for f in target["findings"]]
    assert not [text for text in shown if text.startswith("***")]
    assert planted.spec.rpartition("@")[2].split(":")[0] in target["name"] and "***" not in target["name"]


def test_a_run_over_a_fleet_leaves_none_in_its_files(planted: Remote) -> None:
    inventory = planted.home / "hosts"
    words = (
        f"ansible_host=127.0.0.1 ansible_port={planted.server.port} ansible_user=root ansible_become_password={SUDO}"
    )
    inventory.write_text(f"a {words}\nb {words}\n")
    done = planted.anywhere(
        *("check", "-i", str(inventory), "--region", "us-east-1", "--format", "jsonl"),
        *("--resume", f"{planted.home}/run.jsonl", "--save", f"{planted.home}/bundles/"),
    )
    files = [path for path in planted.home.rglob("*") if path.is_file() and path != inventory and path.suffix != ".gz"]
    clean(done.stdout, done.stderr, *(path.read_text(errors="replace") for path in files))
    clean(*(gzip.decompress(path.read_bytes()).decode() for path in planted.home.rglob("*.gz")))
    assert "mi-0123456789abcdef0" in done.stdout
