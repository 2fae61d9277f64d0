"""Forms of log options: what docker's drivers and Go's library read, and what they refuse."""

from __future__ import annotations

import pytest

from anywhere.taskdef.rules import logforms

READ = {
    "is_go_pattern": [
        *("^x", r"^\d{4}-\d\d", r"\12", "[(?=]", r"\(\?=", r"\Q(?=\E", r"\Q(\E", "(?i)x", "(?P<n>x)", "(?<n>x)", "^*"),
        *(
            "[[:alpha:]]+",
            "[[:^digit:]]",
            "[]a]",
            "[^]a]",
            r"\pL\p{Greek}",
            r"[\]]",
            "^{",
            "(?U)a",
            r"[[:space:]-]",
            "^[[0-9]{4}",
            "[a--b]",
            r"(\Q)\E)",
            "",
        ),
        "(" * 3000,
    ],
    "is_fluentd": [
        "h:24224",
        "h",
        ":24224",
        "tcp://h:1",
        "tls://h:1",
        "unix:///a/b",
        "unix:///a/b/",
        "[::1]:24224",
        "TCP://h:1",
    ],
    "is_duration": ["1s", "0", "1.5s", ".5m", "1h2m", "-1s", "+1s"],
    "is_reconnect": ["100ms", "0.1s", "10s", "0", "0s", "1.5s"],
    "is_splunk": ["https://h:8088", "https://h:8088/", "HTTP://h"],
    "is_level": ["-1", "0", "9"],
    "is_count": ["0", "4294967295"],
    "is_size": ["25m", "8MB", "1024", "1.5 GiB"],
}
REFUSED = {
    "is_go_pattern": [
        "(?=a)",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)",
        r"(a)\1",
        "[a-",
        "(a",
        "a)",
        "^[",
        "(?>a)",
        "(?P=n)",
        r"\pL(",
    ],
    "is_fluentd": ["http://h:1", "h:port", "h:99999", "unix://", "unix:///", "tcp://h:1/x", "udp://h:1"],
    "is_duration": ["1", "1d", "", "ms", "1 s"],
    "is_reconnect": ["99ms", "11s", "5000", "-1s"],
    "is_splunk": ["https://h/x", "h:8088", "https://h?x", "https://h#x"],
    "is_level": ["10", "-2", "high"],
    "is_count": ["-1", "4294967296", "²", "1e3"],
    "is_size": ["big", "-5m", "5 megabytes"],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("form", READ)
def test_each_form_takes_what_docker_reads_and_nothing_that_it_refuses(form: str) -> None:
    takes = getattr(logforms, form)
    assert [text for text in READ[form] if not takes(text)] == []
    assert [text for text in REFUSED[form] if takes(text)] == []
