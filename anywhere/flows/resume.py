"""A run that can be gone on with: each result is written as it comes, and read back by the next run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from anywhere.documents.json import parse_record
from anywhere.errors import BadInput, ParseError
from anywhere.files import open_file
from anywhere.model import Target
from anywhere.report.jsonl import line
from anywhere.report.read import target_of

SCHEMA = "anywhere/run/1"
_START = json.dumps({"schema": SCHEMA})[:-1].encode()  # how the first line begins, however early a run was killed


class Journal:
    """The file of `--resume`: a first line with the settings, then a target a line. Raises BadInput for another's."""

    def __init__(self, path: str, settings: dict[str, object]) -> None:
        self.path = path
        self.done: dict[str, Target] = {}
        settings = json.loads(json.dumps(settings))
        try:
            whole = self._read(settings)
            with open_file(path, append=True) as file:
                file.truncate(whole)
        except OSError as error:
            raise BadInput(f"--resume {path}: {error.strerror or error}") from error
        if not whole:
            self._write(json.dumps({"schema": SCHEMA, "settings": settings}) + "\n")

    def _read(self, settings: dict[str, object]) -> int:
        """Take the results of earlier runs; the bytes up to the last whole line (a killed run leaves half a line)."""
        if not os.path.exists(self.path):
            return 0
        if not os.path.isfile(self.path):
            raise BadInput(f"--resume {self.path}: not a file")
        data = Path(self.path).read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].decode("utf-8", "replace").split("\n")[:-1]
        if not lines and not _START.startswith(data[: len(_START)]):
            raise BadInput(f"--resume {self.path}: not the file of an earlier run")
        rows = [self._row(number, text) for number, text in enumerate(lines, 1)]
        if rows and rows[0].get("schema") != SCHEMA:
            raise BadInput(f"--resume {self.path}: not the file of an earlier run")
        if rows and rows[0].get("settings") != settings:
            raise BadInput(f"--resume {self.path}: that run had other options: name another file")
        for number, row in enumerate(rows[1:], 2):
            target = target_of(row, f"--resume {self.path}: line {number}")
            self.done[target.name] = target
        return whole

    def _row(self, number: int, text: str) -> dict[str, object]:
        try:
            row = parse_record(text)
        except ParseError as error:
            raise BadInput(f"--resume {self.path}: line {number} is no JSON") from error
        if not isinstance(row, dict):
            raise BadInput(f"--resume {self.path}: line {number} is no result")
        return row

    def has(self, name: str) -> bool:
        """Whether a host has been judged; one that could not be reached is tried again."""
        target = self.done.get(name)
        return target is not None and not any(cause.code.startswith("host.") for cause in target.causes)

    def add(self, target: Target) -> None:
        """Keep a result, on the disk before the next one is made."""
        self.done[target.name] = target
        self._write(line(target))

    def _write(self, text: str) -> None:
        try:
            with open_file(self.path, append=True) as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BadInput(f"--resume {self.path}: {error.strerror or error}") from error
