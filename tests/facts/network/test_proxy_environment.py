"""Which proxy a Go program takes, case by case as golang.org/x/net/http/httpproxy decides."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anywhere.errors import ParseError
from anywhere.facts.network.no_proxy import is_excluded, useless_entries
from anywhere.facts.network.proxy_environment import ProxyEnvironment
from anywhere.hosts.probe.proxy_url import NotAUrl, ProxyUrl, parse_proxy
from anywhere.redact import redact_proxy

HOST = "ecs.us-east-1.amazonaws.com"
PROXY = "http://proxy.example:3128"


def proxy_of(env: dict[str, str], flavour: str = "go", host: str = HOST, port: int = 443, scheme: str = "https") -> str:
    return ProxyEnvironment.from_mapping(env, flavour).for_host(host, port, scheme)


@pytest.mark.parametrize(
    ("env", "flavour", "scheme", "wanted"),
    [
        ({}, "go", "https", ""),
        ({"HTTPS_PROXY": PROXY}, "go", "https", PROXY),
        ({"https_proxy": PROXY}, "go", "https", PROXY),
        ({"HTTPS_PROXY": PROXY}, "go", "wss", PROXY),
        ({"HTTPS_PROXY": PROXY}, "go", "http", ""),
        ({"HTTP_PROXY": PROXY}, "go", "http", PROXY),
        ({"HTTPS_PROXY": PROXY}, "go", "ftp", ""),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, "go", "https", "http://upper:1"),
        ({"HTTPS_PROXY": "", "https_proxy": "http://lower:1"}, "go", "https", "http://lower:1"),
        ({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"}, "ssm-agent", "https", "http://upper:1"),
        ({"HTTPS_PROXY": PROXY}, "ssm-agent", "wss", PROXY),
        ({"HTTP_PROXY": PROXY}, "go", "https", ""),
        ({"HTTP_PROXY": PROXY}, "docker", "https", ""),
        ({"http_proxy": PROXY}, "ssm-agent", "https", ""),
        ({"HTTP_PROXY": PROXY}, "ecs-agent", "https", PROXY),
        ({"http_proxy": PROXY}, "ecs-agent", "wss", PROXY),
        ({"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://secure:1"}, "ecs-agent", "https", "http://secure:1"),
        ({"HTTP_PROXY": PROXY, "HTTPS_PROXY": "http://bad\tport"}, "ecs-agent", "https", PROXY),
        ({"ALL_PROXY": PROXY, "all_proxy": PROXY}, "ecs-agent", "https", ""),
        ({"ALL_PROXY": PROXY}, "go", "https", ""),
    ],
)
def test_variable_that_counts(env, flavour, scheme, wanted):
    assert proxy_of(env, flavour, scheme=scheme) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:80"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("10.0.0.1", "http://10.0.0.1:80"),
        ("localhost:3128", "http://localhost:3128"),
        ("http://proxy", "http://proxy:80"),
        ("http://proxy:", "http://proxy:80"),
        ("https://proxy", "https://proxy:443"),
        ("socks5://proxy", "socks5://proxy:1080"),
        ("HTTP://Proxy:3128/", "http://Proxy:3128"),
        ("http://proxy:3128/some/path?x#y", "http://proxy:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://user:pass@proxy:3128", "http://user:pass@proxy:3128"),
        ("user:pass@proxy:3128", "http://user:pass@proxy:3128"),
        ("http://user:p%40ss@proxy:3128", "http://user:p%40ss@proxy:3128"),
        ("http://user:p@ss@proxy:3128", "http://user:p@ss@proxy:3128"),
        ("http://***@proxy:3128", "http://***@proxy:3128"),
        ("//proxy:3128", "http://:80"),
    ],
)
def test_value_as_go_takes_it(text, wanted):
    assert proxy_of({"HTTPS_PROXY": text}) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "http://proxy:port",
        "http://proxy:3128 ",
        "http://my proxy:3128",
        "http://user:pa#ss@proxy:3128",
        "http://user:pa/ss@proxy:3128",
        "http://user:pa?ss@proxy:3128",
        "http://DOMAIN\\user:pass@proxy:3128",
        "http://user:ge^heim@proxy:3128",
        "http://user:gehe\u00efm@proxy:3128",
        "http://[2001:db8::1:3128",
        "http://%41:1",
    ],
)
def test_bad_url_makes_go_look_for_a_proxy_of_the_name_http(text):
    env = ProxyEnvironment.from_mapping({"HTTPS_PROXY": text})
    assert env.for_host(HOST) == "http://http:80"
    assert [(problem.code, problem.broken) for problem in env.problems] == [("misread", True)]


@pytest.mark.parametrize(
    "text",
    [
        "http://proxy:3128\r",
        "http://proxy:3128\n",
        "http://user:100%@proxy:3128",
        "DOMAIN\\user:pass@proxy:3128",
        "my proxy:3128",
        "10.0.0.1:port",
    ],
)
def test_value_that_go_refuses_counts_as_unset(text):
    env = ProxyEnvironment.from_mapping({"HTTPS_PROXY": text})
    assert env.for_host(HOST) == ""
    assert [(problem.code, problem.ignored) for problem in env.problems] == [("refused", True)]


@pytest.mark.parametrize("text", ["proxy:port", "proxy:3128 ", "user:pa#ss@proxy:3128"])
def test_value_without_scheme_can_be_read_as_one(text):
    env = ProxyEnvironment.from_mapping({"HTTPS_PROXY": text})
    assert env.for_host(HOST).endswith("://")
    assert [problem.code for problem in env.problems] == ["misread"]


def test_unknown_scheme_is_kept_by_go_and_taken_for_a_host_by_the_ecs_agent():
    assert proxy_of({"HTTPS_PROXY": "foo://host"}) == "foo://host"
    assert proxy_of({"HTTPS_PROXY": "foo://host"}, "ecs-agent") == "http://foo:80"
    assert proxy_of({"HTTPS_PROXY": "socks5h://host"}) == "socks5h://host:1080"
    assert proxy_of({"HTTPS_PROXY": "socks5h://host"}, "ecs-agent") == "http://socks5h:80"


@pytest.mark.parametrize("text", ["http://[10.0.0.1]:3128", "http://[proxy.example]:3128", "http://[]:3128"])
def test_only_an_ipv6_address_stands_in_brackets(text):
    assert parse_proxy(text).host == "http"


def test_a_colon_without_a_port_reaches_the_channels_library_as_it_stands():
    env = {"HTTPS_PROXY": "http://proxy.example:"}
    assert proxy_of(env) == "http://proxy.example:80"
    assert proxy_of(env, scheme="wss") == "http://proxy.example:"


def test_an_ipv6_address_without_brackets_reaches_the_channels_library_as_it_stands():
    env = {"HTTPS_PROXY": "http://2001:db8::80:3128"}
    assert proxy_of(env) == "http://[2001:db8::80]:3128"
    assert proxy_of(env, scheme="wss") == "http://2001:db8::80:3128"
    assert proxy_of({"HTTPS_PROXY": "http://[2001:db8::80]:3128"}, scheme="wss") == "http://[2001:db8::80]:3128"


def test_credentials_are_sent_in_the_encoding_that_they_were_written_in():
    assert parse_proxy("http://lab:%E4@proxy.example:1").credentials == (b"lab", b"\xe4")


def test_user_part_is_percent_decoded():
    url = parse_proxy("http://DOM%5Cuser:p%40ss%3A%2F@proxy:3128")
    assert (url.user, url.password, url.host, url.port) == ("DOM\\user", "p@ss:/", "proxy", 3128)
    assert "p%40ss" not in repr(url)


NO_PROXY = (
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, "
    "2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64, ported.org:8443"
)


@pytest.mark.parametrize(
    ("host", "port", "excluded"),
    [
        ("localhost", 80, True),
        ("LOCALHOST", 80, False),
        ("127.0.0.1", 80, True),
        ("127.8.9.10", 80, True),
        ("::1", 80, True),
        ("::ffff:127.0.0.1", 80, True),
        ("::2", 80, False),
        ("192.168.1.1", 80, True),
        ("::ffff:192.168.1.1", 80, True),
        ("192.168.1.2", 80, False),
        ("192.168.1.2", 81, True),
        ("192.168.1.3", 80, True),
        ("192.168.1.4", 80, False),
        ("10.0.0.2", 80, True),
        ("10.0.0.4", 80, False),
        ("2001:db8::52:0:1", 80, True),
        ("2001:db8::52:0:2", 80, False),
        ("2001:db8::52:0:2", 443, True),
        ("2001:db8::52:0:3", 80, True),
        ("2002:db8:a::123", 80, True),
        ("fe80::424b:c8be:1643:a1b6", 80, False),
        ("foobar.com", 80, True),
        ("FooBar.COM", 80, True),
        ("www.foobar.com", 80, True),
        ("foofoobar.com", 80, False),
        ("barbaz.net", 80, False),
        ("www.barbaz.net", 80, True),
        ("barbarbaz.net", 80, False),
        ("wildcard.io", 80, False),
        ("nested.wildcard.io", 80, True),
        ("awildcard.io", 80, False),
        ("ported.org", 443, False),
        ("sub.ported.org", 8443, True),
        ("localhost.net", 80, False),
        ("local.localhost", 80, False),
    ],
)
def test_exclusions(host, port, excluded):
    assert is_excluded(NO_PROXY, host, port) is excluded


@pytest.mark.parametrize(
    ("entries", "host", "excluded"),
    [
        ("", HOST, False),
        ("*", HOST, True),
        ("example.com, *", HOST, True),
        (".amazonaws.com", HOST, True),
        ("amazonaws.com", HOST, True),
        ("AMAZONAWS.COM", HOST, True),
        ("us-east-1.amazonaws.com", HOST, True),
        ("east-1.amazonaws.com", HOST, False),
        (f"{HOST}:443", HOST, True),
        (f"{HOST}:80", HOST, False),
        (f"https://{HOST}", HOST, False),
        (f"{HOST} example.com", HOST, False),
        (f"{HOST}; example.com", HOST, False),
        ("ecs.*.amazonaws.com", HOST, False),
        ("*amazonaws.com", HOST, False),
        ("[::1]", "::1", True),
        ("[2001:db8::1]", "2001:db8::1", False),
        ("169.254.169.254,169.254.170.2,/var/run/docker.sock", "169.254.170.2", True),
        ("169.254.0.0/16", "169.254.170.2", True),
        ("169.254.0.0/255.255.0.0", "169.254.170.2", False),
        ("::ffff:169.254.0.0/112", "169.254.170.2", True),
        ("010.0.0.1", "10.0.0.1", False),
        (":443", HOST, False),
        ("10.0.0.0/8:443", "10.1.1.1", False),
        (".example.com", "example.com.", False),
        ("b\u00fccher.example", "xn--bcher-kva.example", True),
    ],
)
def test_one_exclusion(entries, host, excluded):
    assert is_excluded(entries, host, 443) is excluded


def test_no_proxy_turns_the_proxy_off_for_the_host_alone():
    env = {"HTTPS_PROXY": PROXY, "NO_PROXY": "ssm.us-east-1.amazonaws.com"}
    assert proxy_of(env, host="ssm.us-east-1.amazonaws.com") == ""
    assert proxy_of(env) == PROXY


@pytest.mark.parametrize(
    ("env", "flavour", "codes"),
    [
        ({"HTTPS_PROXY": PROXY}, "go", set()),
        ({}, "ecs-agent", set()),
        ({"HTTPS_PROXY": PROXY, "https_proxy": PROXY}, "go", set()),
        ({"HTTPS_PROXY": PROXY, "https_proxy": PROXY + "/"}, "ssm-agent", {"case-differs"}),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "go", {"case-differs"}),
        ({"HTTPS_PROXY": "http://proxy"}, "go", {"port-missing"}),
        ({"HTTPS_PROXY": "http://proxy:99999"}, "go", {"bad-port"}),
        ({"HTTPS_PROXY": "ftp://proxy:21"}, "go", {"scheme-unknown"}),
        ({"HTTPS_PROXY": "https://proxy:3128"}, "go", set()),
        ({"HTTPS_PROXY": "https://proxy:3128"}, "ssm-agent", {"scheme-https"}),
        ({"HTTPS_PROXY": "http://:3128"}, "go", {"no-host"}),
        ({"HTTPS_PROXY": f'"{PROXY}"'}, "ecs-agent", {"quoted"}),
        ({"HTTPS_PROXY": "http://u:p@ss@proxy:3128"}, "go", {"unescaped"}),
        ({"HTTPS_PROXY": "http://u:12/34@proxy:3128"}, "go", {"unescaped"}),
        ({"HTTPS_PROXY": "socks5h://proxy"}, "docker", {"port-missing"}),
        ({"HTTPS_PROXY": "socks5h://proxy"}, "ecs-agent", {"scheme-unknown"}),
        ({"ALL_PROXY": PROXY}, "docker", {"all-proxy-ignored"}),
        ({"ALL_PROXY": PROXY, "HTTPS_PROXY": PROXY}, "docker", set()),
        ({"HTTP_PROXY": PROXY}, "docker", {"https-unset"}),
        ({"HTTP_PROXY": PROXY}, "ecs-agent", set()),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "169.254.169.254 169.254.170.2"}, "go", {"exclusion-useless"}),
    ],
)
def test_problems(env, flavour, codes):
    assert {problem.code for problem in ProxyEnvironment.from_mapping(env, flavour).problems} == codes


@pytest.mark.parametrize(
    ("entry", "useless"),
    [
        ("", False),
        ("*", False),
        ("10.0.0.0/8", False),
        (".example.com:443", False),
        ("/var/run/docker.sock", False),
        ("[2001:db8::1]:443", False),
        ("2001:db8::1", False),
        ("[2001:db8::1]", True),
        ("http://example.com", True),
        ("a.example;b.example", True),
        ("a.example b.example", True),
        ("ecs.*.amazonaws.com", True),
        (":443", True),
        ("example.com:https", True),
    ],
)
def test_entry_that_excludes_nothing_is_named(entry, useless):
    assert bool(useless_entries(f"example.org,{entry}")) is useless


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PROXY, PROXY),
        ("proxy:3128", "proxy:3128"),
        ("http://user:secret@proxy:3128", "http://***@proxy:3128"),
        ("user:secret@proxy:3128", "***@proxy:3128"),
        ("http://user:sec@ret@proxy:3128", "http://***@proxy:3128"),
        ("http://user:sec/ret#x@proxy:3128", "http://***@proxy:3128"),
        ("user:sec://ret@proxy:3128", "***@proxy:3128"),
        ('"http://user:secret@proxy:3128"', '"http://***@proxy:3128"'),
        ("http://***@proxy:3128", "http://***@proxy:3128"),
        ("", ""),
    ],
)
def test_redact(text, wanted):
    assert redact_proxy(text) == wanted


SECRET = st.text(string.ascii_letters + string.digits + string.punctuation + " \\\u00e4", min_size=6)


@given(SECRET, st.sampled_from(("", "http://", "https://", "HTTP://", "socks5://", '"http://', "'")))
def test_no_secret_is_shown(secret, lead):
    text = f"{lead}user:QQ{secret}@proxy.example:3128"
    env = ProxyEnvironment.from_mapping({"HTTPS_PROXY": text, "NO_PROXY": "localhost"}, "ecs-agent")
    shown = [redact_proxy(text), repr(env), *(str(problem) for problem in env.problems)]
    assert not any(f"QQ{secret}" in part or "QQ" in part.partition("***")[0] for part in shown)
    assert redact_proxy(redact_proxy(text)) == redact_proxy(text)


@given(
    st.dictionaries(st.sampled_from(("HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "NO_PROXY", "no_proxy")), st.text())
)
def test_any_environment_is_taken(env):
    for flavour in ("ecs-agent", "ssm-agent", "docker"):
        read = ProxyEnvironment.from_mapping(env, flavour)
        found = read.for_host(HOST)
        assert isinstance(found, str) and isinstance(read.for_host("::1"), str)


@given(st.text(st.sampled_from("htps:/@[]%.#?\\ 0123456789abc*-_é\"'")))
def test_parse_proxy_gives_a_url_or_its_own_error(text):
    try:
        url = parse_proxy(text)
        good = isinstance(url, ProxyUrl) and url.port >= 0
    except NotAUrl as error:
        good = bool(str(error))
    assert good


@given(
    st.lists(
        st.sampled_from((".", "a", "B", "1", "/", "8", ":", "[", "]", "*", ",", " ", "é", "443", "::")), max_size=12
    )
)
def test_any_exclusion_list_is_taken(parts):
    text = "".join(parts)
    assert is_excluded(text, "a.B", 443) in (True, False)
    useless_entries(text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://h:99999", "h", 99999),  # Go reads it, and fails when it dials
        ("http://u:p/ss@h:3128", "http", 80),  # the slash ends the authority: Go's second try finds a host named http
        ("http://[fe80::1%25eth0]:3128", "fe80::1%eth0", 3128),
        ("http://user@h", "h", 80),
    ],
)
def test_one_reading_for_what_is_judged_and_what_is_dialled(text: str, host: str, port: int) -> None:
    url = parse_proxy(text)
    assert (url.host, url.effective_port) == (host, port)
    if port < 65536:
        assert ProxyUrl.parse(text) == url
    else:
        with pytest.raises(ParseError):
            ProxyUrl.parse(text)
