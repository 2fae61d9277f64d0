"""No secret survives redaction, whatever surrounds it; nothing else is lost."""

from __future__ import annotations

import base64
import html
import json
import shlex
import string
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anywhere.held import MASK as HELD_MASK
from anywhere.held import forget, hide, hold
from anywhere.redact import MASK, redact, redact_proxy, redact_value

KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEBYaDKq+/3bJ=="
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"

# Each with what must be gone.
PLANTED = [
    (f"AWS_SECRET_ACCESS_KEY={KEY}", KEY),
    (f"export AWS_SECRET_ACCESS_KEY={KEY}\nX=1", KEY),
    (f"aws_secret_access_key = {KEY}", KEY),
    (f'{{"SecretAccessKey":"{KEY}","Token":"x"}}', KEY),
    (f'{{"SecretAccessKey" : "{KEY}"}}', KEY),
    (f"Environment=AWS_SESSION_TOKEN={TOKEN} AWS_REGION=us-east-1", TOKEN),
    ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("found ASIAIOSFODNN7EXAMPLE in the log", "ASIAIOSFODNN7EXAMPLE"),
    (f"AWS_CONTAINER_AUTHORIZATION_TOKEN={TOKEN}", TOKEN),
    ('{"instanceID":"mi-0123456789abcdef0","privateKey":"MIIEpAIBAAKCAQEA7+/=","privateKeyType":"Rsa"}', "MIIEpAIB"),
    (PEM, "MIIEowIBAAKCAQEA"),
    (PEM.partition("-----END")[0], "MIIEowIBAAKCAQEA"),
    ("amazon-ssm-agent -register -code abcDEF123 -id 0a1b2c3d -region us-east-1", "abcDEF123"),
    ("amazon-ssm-agent -register -code=abcDEF123 -id=0a1b2c3d", "0a1b2c3d"),
    ("ecs-anywhere-install.sh --activation-code abcDEF123", "abcDEF123"),
    ("ACTIVATION_CODE=abcDEF123", "abcDEF123"),
    ("-code abcDEF123 -id 0a1b2c3d", "abcDEF123"),
    ('amazon-ssm-agent -register -code "abcDEF123" -id "0a1b2c3d" -region us-east-1', "abcDEF123"),
    ("ecs-anywhere-install.sh --activation-id '0a1b2c3d' --activation-code 'abcDEF123'", "0a1b2c3d"),
    ('["amazon-ssm-agent", "-register", "-code", "abcDEF123"]', "abcDEF123"),
    ("web1 ansible_become_pass=s3cret ansible_port=22", "s3cret"),
    ("ansible_ssh_pass: s3cret", "s3cret"),
    ('ECS_ENGINE_AUTH_DATA={"https://index.docker.io/v1/": {"auth": "dXNlcjpwdw=="}}', "dXNlcjpwdw"),
    ('ECS_ENGINE_AUTH_DATA={"x":{"username":"u","password":"p;w,d}x","email":"e"}}', "p;w"),
    ('{"auths":{"r.example":{"auth":"dXNlcjpwdw=="}}}', "dXNlcjpwdw"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=abc, Signature=def", "Signature=def"),
    ("Proxy-Authorization: Basic ZWRnZTpzM2NyZXQ=", "ZWRnZTpz"),
    ("https://s3.example/x?X-Amz-Signature=abcdef&X-Amz-Expires=60", "abcdef"),
    ("GET /x?X-Amz-Security-Token=abcdef HTTP/1.1", "abcdef"),
    ("password='two words'", "two words"),
    ('password="two \\" words"', "words"),
    ('{"cmd":"login --user u --password=\\"two words\\" x"}', "two words"),
    ("PASSWORD=a,b;c}d&e", "c}d"),
    ('password=ab"cd', "cd"),
    ("docker login -u u --password s3cret r.example", "s3cret"),
    ("udp://user:a/b+c@graylog:12201", "b+c"),
    # Docker's log drivers (docs.docker.com, "Configure logging drivers") and routers of FireLens.
    ('{"log-opts":{"splunk-token":"176FCEBF-4CF5-4EDF","splunk-url":"https://s:8088"}}', "176FCEBF"),
    ('{"log-opts": {"logentries-token": "b0a3f9", "tag": "x"}}', "b0a3f9"),
    ("splunk-token=176FCEBF-4CF5-4EDF", "176FCEBF"),
    ('{"log-opts":{"gelf-address":"udp://user:s3cret@graylog:12201"}}', "s3cret"),
    ('{"log-opts":{"sumo-url":"https://endpoint1.collection.sumologic.com/receiver/v1/http/ZaVnC4dhaV2"}}', "ZaVnC4"),
    ('{"options":{"apikey":"0123abcd","Name":"datadog"}}', "0123abcd"),
    ('{"options": {"license_key": "NRAK-0123", "Shared_Key": "fluent1", "HTTP_Passwd": "pw1"}}', "NRAK-0123"),
    ('{"options": {"license_key": "NRAK-0123", "Shared_Key": "fluent1", "HTTP_Passwd": "pw1"}}', "fluent1"),
    ('{"options": {"license_key": "NRAK-0123", "Shared_Key": "fluent1", "HTTP_Passwd": "pw1"}}', '"pw1"'),
    ("AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq==;EndpointSuffix=x", "Eby8vdM02"),
    # Names and values in logs, settings and sentences.
    ("secret=abc123", "abc123"),
    ("retrying with secret=hunter", "hunter"),
    ("token=abc", "abc"),
    ("GITHUB_TOKEN=plain", "plain"),
    ("{Username:u Password:opensesame Token:hunterhunter}", "opensesame"),
    ("{Username:u Password:opensesame Token:hunterhunter}", "hunterhunter"),
    ("  splunk_token: hunter", "hunter"),
    ("- secret: hunter2", "hunter2"),
    ("TOKEN Pl4ntedValue", "Pl4ntedValue"),
    ("ENV API_TOKEN AbCdEfGhIjKlMnOp", "AbCdEfGhIjKlMnOp"),
    ("the token abc123def456 was rejected", "abc123def456"),
    ("invalid token: abc123def456", "abc123def456"),
    ("password is hunter2hunter2", "hunter2hunter2"),
    (f"using secret key {KEY} of the vault", KEY),
    ('got bearer "abc123def456ghi"', "abc123def456"),
    ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpw"),
    ("activation code abcDEF123ghi", "abcDEF123"),
    ("login failed (jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def)", "eyJhbGci"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2lnbmF0"),
    ("pulled with ghp_0123456789abcdefghij", "0123456789abcdefghij"),
    ("git clone https://x:glpat-0123456789abcdef@git.example/r", "0123456789abcdef"),
    ("session IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUC", "b3JpZ2lu"),
    ("Set-Cookie: session=abc123", "abc123"),
    ("curl -u user:s3cret https://x", "s3cret"),
    ("curl --proxy-user edge:s3cret https://x", "s3cret"),
    ("run --api-key abcdef --name x", "abcdef"),
    ('["run", "--token", "abcdef"]', "abcdef"),
    ("https://r.example/v2?access_token=abcdef&x=1", "abcdef"),
    ("https://x.blob.example/c?sv=1&sig=ab%2Fcd", "ab%2Fcd"),
    ("GET 169.254.170.2/v2/credentials/6f0a8e8c-1c3b-4a0e-9d5f-0123456789ab", "6f0a8e8c"),
    ("POST https://hooks.slack.com/services/T0/B0/abcdef", "abcdef"),
    ('{"environment":[{"name":"DB_PASSWORD","value":"hunter"}]}', "hunter"),
    ('{"Env": [{"Name": "API_TOKEN", "Value": "hunter"}]}', "hunter"),
    ("PGPASSWORD=hunter psql", "hunter"),
    ("MYSQL_ROOT_PASSWORD: hunter", "hunter"),
    ("DB_PWD=hunter", "hunter"),
    ("//registry.example/:_authToken=abcdef", "abcdef"),
    ('{"registrytoken":"abcdef"}', "abcdef"),
    ('{"identitytoken":"abcdef"}', "abcdef"),
]
# What people put into a proxy's password.
PASSWORDS = [
    "s3cret",
    "p@ss",
    "a/b",
    "a,b/c",
    "a:b@c/d",
    "p%40ss",
    "a#b?c",
    "pass;word",
    "a&b",
    "é€",
    "a=b",
    "http://x",
]
PROXIES = [
    "HTTPS_PROXY=http://edge:{}@proxy.example:3128",
    "export https_proxy=http://edge:{}@10.0.0.1:3128/\nNO_PROXY=localhost",
    "HTTPS_PROXY=edge:{}@proxy.example:3128",
    'Environment="HTTPS_PROXY=http://edge:{}@proxy.example:3128" "NO_PROXY=169.254.169.254"',
    "Environment='http_proxy=http://edge:{}@proxy.example:3128'",
    "Environment=HTTPS_PROXY=http://edge:{}@proxy.example:3128 NO_PROXY=localhost",
    '{{"proxies": {{"https-proxy": "http://edge:{}@proxy.example:3128", "no-proxy": "localhost"}}}}',
    '{{"proxies":{{"http-proxy":"http://edge:{}@proxy.example:3128","https-proxy":"http://proxy.example:3128"}}}}',
]
HARMLESS = [
    "",
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "nameserver 10.0.0.53\nsearch dc1.example.com\noptions ndots:5\n",
    "secretsmanager.us-east-1.amazonaws.com:443",
    "HTTPS_PROXY=http://proxy.example:3128\nNO_PROXY=localhost,169.254.169.254",
    '{"https-proxy":"http://p:3128","mail":"me@example.com"}',
    "HTTPS_PROXY=http://proxy.example:3128 # ask bob@example.com",
    "https_proxy=http://a.example:3128\nmail=bob@example.com",
    "aws_access_key_id =\naws_secret_access_key =\naws_session_token =\n[other]\naws_access_key_id =",
    "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/token",
    "AWS_SECRET_ACCESS_KEY=\nECS_CLUSTER=default",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "https://docs.example/a?b=c@d.html/",
    # What a report needs to be read, beside telling words.
    "ExpiredTokenException: The security token included in the request is expired",
    "UnrecognizedClientException: The security token included in the request is invalid. status code: 400",
    "refreshing credentials at 2026-11-20T10:00:00Z",
    "credentials expire 2026-11-20T10:00:00Z, token valid",
    "token for mi-0123456789abcdef0 of cluster prod",
    "secret arn:aws:secretsmanager:us-east-1:111122223333:secret:db-Ab12Cd of the task",
    '{"secrets":[{"name":"DB","valueFrom":"arn:aws:ssm:us-east-1:111122223333:parameter/db"}]}',
    "image r.example/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "key sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "amazon-ssm-agent 3.3.40.0-1\namazon-ecs-init 1.98.0-1",
    "Version 2.0 token, docker 27.3.1, password policy v2",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFZ host",
    "invalid character 'x' looking for beginning of object key string",
    "the secret of host web-01.example.com:443 is elsewhere",
    "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/token TOKEN_TTL=60",
    "tokens=5 secrets=2 passed=14",
    "proxy asks for basic authentication (realm corp)",
    "Key pair, keyboard, monkey: all fine",
    '{"token": null, "secret": false, "privateKeyType": "Rsa", "tokenFile": "/x/y"}',
    "no credentials in /root/.aws/credentials",
    "PWD=/root\nOLDPWD=/tmp",
    "pam_unix(sudo:auth): authentication failure; user=bob",
    "GSSAPIAuthentication no\nPasswordAuthentication no",
    "https://docs.example:8443/a@b/c",
    "%sudo ALL=(ALL) NOPASSWD: ALL",
]


@pytest.mark.parametrize(("text", "secret"), PLANTED)
def test_a_planted_secret_is_gone(text: str, secret: str) -> None:
    assert secret in text
    for whole in (text, f"before\n{text}\nafter", f"# {text}", text.replace("\n", "\r\n")):
        assert secret not in redact(whole), redact(whole)
        assert redact(redact(whole)) == redact(whole)


@pytest.mark.parametrize("text", [text for text, _ in PLANTED if text.startswith('{"')])
def test_json_stays_json_of_the_same_shape(text: str) -> None:
    assert shape(json.loads(redact(text))) == shape(json.loads(text))
    pretty = json.dumps(json.loads(text), indent=2)
    assert shape(json.loads(redact(pretty))) == shape(json.loads(text))


def test_a_secret_that_is_a_number_becomes_a_text() -> None:
    assert json.loads(redact('{"password": 12345678, "port": 443}')) == {"password": MASK, "port": 443}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value).__name__


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("text", PROXIES)
def test_a_proxys_password_is_gone(text: str, password: str) -> None:
    whole = text.format(password)
    clean = redact(whole)
    assert f":{password}@" not in clean
    for part in password.replace("@", "/").replace(",", "/").split("/"):
        assert len(part) < 4 or part not in clean.replace("http://", ""), clean
    assert "edge" not in clean
    assert redact(clean) == clean
    # What is no secret is still there: the proxy's own address, and the other settings.
    assert ":3128" in clean
    assert ("NO_PROXY=" in clean, "no-proxy" in clean) == ("NO_PROXY=" in whole, "no-proxy" in whole)
    if text.startswith("{"):
        assert shape(json.loads(clean)) == shape(json.loads(whole))


def test_two_proxies_on_one_line_both_stay() -> None:
    text = 'Environment="HTTP_PROXY=http://u:a@one:1" "HTTPS_PROXY=http://u:b@two:2"'
    assert redact(text) == 'Environment="HTTP_PROXY=http://***@one:1" "HTTPS_PROXY=http://***@two:2"'
    text = "http_proxy=http://u:a@one:1 https_proxy=http://u:b@two:2"
    assert redact(text) == "http_proxy=http://***@one:1 https_proxy=http://***@two:2"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_line_without_a_value_does_not_cost_the_next_one() -> None:
    """The names in a credentials file, with their values cut off, decide whether its keys are static."""
    text = "[default]\naws_session_token =\naws_access_key_id =\naws_secret_access_key =\n"
    assert redact(text) == text


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "form", ["http://edge:{}@p:3128", "edge:{}@p:3128", "https://edge:{}@[fd00::1]:3128/", '"http://e:{}@p:1"']
)
def test_a_value_that_is_known_to_be_a_proxy(form: str, password: str) -> None:
    url = form.format(password)
    clean = redact_proxy(url)
    assert clean == form.replace("edge:{}", MASK).replace("e:{}", MASK)
    assert redact_proxy(clean) == clean
    assert redact_value({"HTTPS_PROXY": url, "proxy": url, "https-proxy": url}) == dict.fromkeys(
        ("HTTPS_PROXY", "proxy", "https-proxy"), clean
    )


def test_a_proxy_without_credentials_is_left_alone() -> None:
    for url in ("http://proxy.example:3128", "proxy.example:3128", "", "http://[fd00::1]:3128"):
        assert redact_proxy(url) == url
    assert redact_value({"NO_PROXY": "a@b,localhost"}) == {"NO_PROXY": "a@b,localhost"}


@pytest.mark.parametrize(
    "key",
    [
        "AWS_SECRET_ACCESS_KEY",
        "aws_session_token",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "Token-Secret",
    ]
    + [
        "privateKey",
        "password",
        "Proxy-Authorization",
        "ECS_ENGINE_AUTH_DATA",
        "activationCode",
        "auth",
        "clientSecret",
    ],
)
def test_the_value_of_a_secret_key_is_gone_at_any_depth(key: str) -> None:
    value = {"a": [{"b": {key: "x y;z", "region": "us-east-1"}}], key: ["one", "two"], "n": 1, "none": None}
    assert redact_value(value) == {
        "a": [{"b": {key: MASK, "region": "us-east-1"}}],
        key: [MASK, MASK],
        "n": 1,
        "none": None,
    }
    assert redact_value({key: ""}) == {key: ""}


def test_keys_that_only_sound_like_secrets() -> None:
    value = {"secretsmanager.us-east-1.amazonaws.com": "10.0.0.1", "features": ["secrets"], "secrets": ["a"]}
    assert redact_value(value) == value


# --- fuzz ---------------------------------------------------------------------------------------------------------

WORDS = [
    *("password", "HTTPS_PROXY", "http_proxy", "https-proxy", "secretkey", "privateKey", "auth", "Authorization"),
    *("engine_auth_data", "activation_code", " -code ", " --id=", "-----BEGIN PRIVATE KEY-----", "-----END", "AKIA"),
    *(
        "=",
        ":",
        "://",
        "@",
        '"',
        "'",
        "\\",
        '\\"',
        "***",
        "***@",
        "\n",
        " ",
        ",",
        ";",
        "}",
        "{",
        "#",
        "/",
        "x",
        "http://",
    ),
]
WORDS += (
    "token",
    "TOKEN ",
    "secret",
    "secret: ",
    "Basic ",
    "bearer",
    "--api-key",
    "-u ",
    ":",
    "a1b2c3d4",
    "is",
    "passwd",
)
WORDS += (
    '"name":"X_TOKEN","value":',
    "eyJhbGciOiJIUzI1NiJ9",
    "ghp_0123456789abc",
    "?sig=",
    "- ",
    "null",
    "arn:aws:x",
    "{",
    "***",
)
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=24).map("".join)


@settings(deadline=None)
@given(TEXTS)
@example("http_proxy=***@@")
@example('password="***')
def test_twice_is_as_good_as_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["proxy", "password", "x", "HTTPS_PROXY"]), TEXTS))
def test_twice_is_as_good_as_once_for_values(value: dict[str, str]) -> None:
    assert redact_value(redact_value(value)) == redact_value(value)


SECRETS = st.text(alphabet=string.ascii_letters + string.digits + "+/=%._~!$^*()-", min_size=8, max_size=40).filter(
    lambda text: "***" not in text
)


@settings(deadline=None)
@given(SECRETS, TEXTS, st.sampled_from(["AWS_SECRET_ACCESS_KEY={}", "password={}", "ACTIVATION_CODE={}"]))
def test_a_secret_on_a_line_of_its_own_is_gone_whatever_stands_around(secret: str, around: str, form: str) -> None:
    if secret not in around:
        assert secret not in redact(f"{around}\n{form.format(secret)}\n{around}")


@settings(deadline=None)
@given(SECRETS, TEXTS)
def test_a_proxys_password_on_a_line_of_its_own_is_gone_whatever_stands_around(secret: str, around: str) -> None:
    if secret not in around and "proxy" not in secret.lower():
        assert secret not in redact(f"{around}\nHTTPS_PROXY=http://edge:{secret}@proxy:3128\n{around}")


@pytest.mark.parametrize(
    "text",
    ["a." * 200_000, "a" * 400_000, "password" * 50_000, "http_proxy=" * 40_000, "://" * 130_000, "x://a" * 80_000]
    + [
        "-----BEGIN A " * 30_000,
        '"' * 400_000,
        "\\" * 400_000,
        " -code" * 60_000,
        "https_proxy=a" + "b c" * 130_000,
        "\n" * 400_000,
    ]
    + [
        "password='" + "a\\" * 200_000,
        'password="' * 40_000,
        "password=" + "a'" * 200_000,
        " " * 400_000,
        "AKIA" * 100_000,
    ],
    ids=lambda text: repr(text[:14]),
)
def test_a_long_text_takes_linear_time(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2.0


WORDS = (
    "secret",
    "Key",
    "ACCESS_KEY_ID",
    "token",
    "pass",
    "word",
    "paſſword",
    "activation",
    "code",
    "auth",
    "://",
    "=",
    ":",
)
WORDS += (
    "https_proxy",
    "-----BEGIN PRIVATE KEY-----",
    "AKIAIOSFODNN7EXAMPLE",
    "Authorization",
    "X-Amz-Signature",
    " -",
    "--",
)
WORDS += ("user", "@", "'", '"', "\n", " ", "_", "id", "\\", "secret_access_key", "password", "engine_auth_data")


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=14).map("".join))
def test_looking_for_words_first_overlooks_nothing(text: str) -> None:
    from anywhere.redact import _RULES

    by_all_rules = text
    for rule in _RULES:
        by_all_rules = rule.pattern.sub(rule.replacement, by_all_rules)
    assert redact(text) == by_all_rules


def test_what_a_proxy_offers_is_no_secret() -> None:
    said = '407 Proxy Authentication Required; offers Basic realm="proxy"'
    assert redact(said) == said
    assert redact("Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==") == "Proxy-Authorization: ***"


def test_the_name_of_an_error_is_no_secret() -> None:
    said = 'it gets no credentials: "EC2RoleRequestError: no EC2 instance role found"'
    assert redact(said) == said


# Each character is written otherwise by one of the encodings; the first and the last too.
GIVEN = '"pä\'s\\w&/ö <d>"'
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with its letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON within JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "a URL": lambda text: quote(text, safe=""),
    "a path of a URL": quote,
    "a form": quote_plus,
    "HTML": html.escape,
    "Python": lambda text: repr(text)[1:-1],
    "a shell": lambda text: shlex.quote(text).strip("'"),
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_a_secret_that_was_given_is_masked_to_its_last_character(form: str) -> None:
    hold(GIVEN)
    try:
        assert hide(f"<{WRITTEN[form](GIVEN)}>") == f"<{HELD_MASK}>"
    finally:
        forget()


@pytest.mark.parametrize("before", ["", "u:", "user:", "operator:"])
def test_of_a_secret_within_base64_no_part_is_left(before: str) -> None:
    hold(GIVEN)
    try:
        left = hide(base64.b64encode(f"{before}{GIVEN}:x".encode()).decode()).partition(HELD_MASK)
        assert left[1] == HELD_MASK and len(left[2]) <= 8
    finally:
        forget()
