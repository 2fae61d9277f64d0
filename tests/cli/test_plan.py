"""`check --plan`: three forms, and nothing started or contacted."""

from __future__ import annotations

import csv
import io
import json
import socket
import subprocess
from pathlib import Path

import jsonschema

from anywhere.cli import run

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "contacts-1.json").read_text())


def test_the_plan_is_printed_and_nothing_is_done(capfd, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was started or contacted")

    for module, name in ((subprocess, "Popen"), (socket, "create_connection"), (socket, "getaddrinfo")):
        monkeypatch.setattr(module, name, never)
    monkeypatch.setattr(socket.socket, "connect", never)
    assert run(["check", "--plan", "--region", "us-east-1", "--format", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    names = {row["target"] for row in document["hosts"][0]["contacts"] if row["kind"] == "connection"}
    assert {"ecs.us-east-1.amazonaws.com", "ecs-a-1.us-east-1.amazonaws.com", "169.254.169.254"} <= names


def test_every_row_is_a_line_of_the_csv(capfd):
    assert run(["check", "--plan", "--region", "us-east-1", "--host", "admin@server1:2222", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert (rows[0]["kind"], rows[0]["target"], rows[0]["port"]) == ("login", "admin@server1:2222", "2222")
    assert {"question", "connection", "command", "file", "folder"} <= {row["kind"] for row in rows}


def test_a_form_that_a_plan_has_not_is_refused(capfd):
    assert run(["check", "--plan", "--region", "us-east-1", "--format", "html"]) == 2
    assert "unknown format" in capfd.readouterr().err
