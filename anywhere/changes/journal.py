"""The journal on the host: each undo is on disk before its step runs, and is used only if it is intact.

`/var/lib/anywhere/NAME.journal` is one JSON document, replaced atomically; `NAME.copy` is a second copy; `NAME.seal` holds
the valid digests: the current one, and during a write also the previous one. `NAME.undo/` holds the former content of files,
which may be secret; each copy is named by its digest. Only root may own and read all of this, which is checked. A file that
is missing, changed or owned by another user is reported, and nothing is undone from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from anywhere.changes.base import ChangeFailed, Command, JournalDamaged, PutBack, Step, Undo
from anywhere.changes.lock import under
from anywhere.changes.record import merged
from anywhere.changes.restored import words
from anywhere.changes.script import own_script
from anywhere.changes.seal import ABSENT, look
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

FOLDER = "/var/lib/anywhere"
SCHEMA = "anywhere/journal/1"
_EMPTY = hashlib.sha256(b"").hexdigest()
_WITHOUT_FORCE = ("update", "deregister", "reset")  # their steps are repeated, or cannot be undone
Line = dict[str, Any]  # one step as it stands in the file, or one undo of it


@frozen
class Entry:
    """One step that was started: its key, its title and how to undo it. `lost` lists the parts that cannot be undone, with
    the reason (only if the journal was opened with `force`). `back` and `gate` are those of its step."""

    key: str
    title: str
    undo: tuple[Undo, ...]
    lost: tuple[tuple[str, str], ...] = ()
    back: str = ""
    gate: bool = False

    @property
    def restores(self) -> str:
        """What its undo does, in the imperative; the title where there is nothing to undo."""
        return words(self.title, self.back, self.undo) or self.title


class Journal:
    """The journal of one kind of change (`rules`, `proxy`, `register`) on one live host. `token` is that of the lock, which
    every write needs. Raises JournalDamaged where the journal is not intact; with `force` it is opened all the same,
    `problems` lists the damage, and what cannot be trusted is `lost`."""

    def __init__(self, host: Host, name: str, folder: str = FOLDER, *, token: str = "", force: bool = False) -> None:
        self._host = host
        self._token = token
        self._base = f"{folder}/{name}"
        self._force = force
        self._stored = look(host, self._base)
        self.problems = self._stored.problems
        if self.problems and not force:
            raise self._refused("; ".join(self.problems))
        self._digest = self._stored.digest
        self._lines = self._parsed()
        self._opened = False
        self._made: set[str] = set()

    @property
    def exists(self) -> bool:
        """Whether any file of the journal exists."""
        return self._stored.exists

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The steps that are not undone yet, oldest first."""
        return tuple(self._entry(key, line) for key, line in self._lines.items())

    def check(self) -> None:
        """Raise JournalDamaged if an undo copy is not intact: nothing may be added to such a journal."""
        for key, line in self._lines.items():
            self._entry(key, line)

    def begin(self, step: Step) -> None:
        """Write the undo of a step to disk. If an earlier step has this key, it saw the original: its undo stays and also
        records what this step writes. Raises ChangeFailed if the write fails: then the step must not run."""
        self._open()
        known = self._lines.get(step.key)
        undo = [self._kept(item) for item in step.undo]
        line: Line = {"title": step.title, "undo": undo} | ({"back": step.back} if step.back else {})
        gate = {"gate": True} if step.gate else {}
        line |= gate
        if known:
            line = {**known, **gate, "undo": merged(known["undo"], undo, self._json, self._keep_json)}
        if line != known:
            self._commit({**self._lines, step.key: line})

    def undone(self, key: str) -> None:
        """Note that a step is undone."""
        self._commit({name: line for name, line in self._lines.items() if name != key})

    def keep(self, keys: Sequence[str]) -> None:
        """Forget all but these steps, and remove the undo copies that no step needs."""
        kept = {key: line for key, line in self._lines.items() if key in keys}
        if kept != self._lines:
            self._commit(kept)
        needed = [digest for line in kept.values() for undo in line["undo"] for digest in _copies(undo)]
        self._script("prune", *needed)

    def clear(self) -> None:
        """Remove the journal with its undo copies, and the folder if it is empty then."""
        self._script("clear")
        self._lines, self._digest, self._opened = {}, ABSENT, False

    def _refused(self, why: str) -> JournalDamaged:
        verb = self._base.rpartition("/")[2]
        commands = {"register": "deregister", "move": "move --cluster CLUSTER"}
        if verb in _WITHOUT_FORCE:
            way = f"`rm -rf {self._base}.*` on that host gives the record up, then the same command begins anew"
        else:
            command = commands.get(verb, f"{verb} revert")
            way = f"`anywhere {command} --force-missing` undoes what is intact and lists the rest"
        return JournalDamaged(f"{why}: nothing was changed; {way}")

    def _parsed(self) -> dict[str, Line]:
        if not self._stored.text:
            return {}
        try:
            body = json.loads(self._stored.text)
            if body["schema"] != SCHEMA:
                raise JournalDamaged(f"{self._base}.journal is of another version ({str(body['schema'])[:40]})")
            return {str(line["key"]): line for line in body["entries"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise JournalDamaged(f"the journal {self._base}.journal is damaged: {error}") from None

    def _open(self) -> None:
        if self._opened:
            return
        if not self._lines and self.exists:
            self._script("clear")  # the rest of a revert that was killed at its end
            self._digest = ABSENT
        self._script("open")
        self._opened = True

    def _commit(self, lines: dict[str, Line]) -> None:
        body = {"schema": SCHEMA, "entries": [{**line, "key": key} for key, line in lines.items()]}
        text = (json.dumps(body, indent=1) + "\n").encode()
        digest = hashlib.sha256(text).hexdigest()
        self._script("commit", self._digest, digest, input=text)
        self._lines, self._digest = lines, digest

    def _script(self, verb: str, *words: str, input: bytes = b"") -> None:
        argv = under(self._token, own_script("journal", verb, self._base, *words))
        done = self._host.run(argv, input=input, timeout=30)
        if not done.ok:
            why = done.stderr.strip() or "no room, or read-only"
            raise ChangeFailed(
                f"the journal {self._base}.journal could not be written ({why}): nothing more was changed"
            )

    # --- one undo, as the journal keeps it ---------------------------------------------------------------------------

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._script("store", digest, input=content)
        self._made.add(f"{self._base}.undo/{digest}")
        return digest

    def _keep_json(self, value: Any) -> str:
        return self._keep(json.dumps(value).encode())

    def _kept(self, undo: Undo) -> Line:
        if isinstance(undo, Command):
            kept: Line = {"argv": list(undo.argv), "timeout": undo.timeout}
            if undo.secret:
                return {**kept, "copy": self._keep(undo.input)}
            return {**kept, "input": undo.input.decode("utf-8", "surrogateescape")}
        kept = {"path": undo.path, "wrote": [undo.wrote, *undo.also], "mode": undo.mode, "owner": undo.owner}
        kept |= {"folders": list(undo.folders), "mixed": undo.mixed}
        if undo.content is not None:
            kept["copy"] = self._keep(undo.content)
        if undo.lines:
            kept["lines"] = self._keep_json([list(pair) for pair in undo.lines])
        return kept

    def _copy(self, digest: str, what: str) -> bytes:
        path = f"{self._base}.undo/{digest}"
        try:
            content = self._host.read(path) if path in self._stored.files | self._made else b""
        except OSError:
            content = b""
        if not content and digest != _EMPTY:
            raise JournalDamaged(f"{what}: its undo copy {path} is missing or empty")
        if hashlib.sha256(content).hexdigest() != digest:
            raise JournalDamaged(f"{what}: its undo copy {path} is damaged")
        return content

    def _json(self, digest: str) -> Any:
        return json.loads(self._copy(digest, "the lines of a file"))

    def _entry(self, key: str, line: Line) -> Entry:
        undos: list[Undo] = []
        lost: list[tuple[str, str]] = []
        for kept in line["undo"]:
            what = str(kept.get("path") or line["title"])
            if not self._stored.trusted:
                lost.append((what, "the journal cannot be trusted: left as it is"))
                continue
            try:
                undos.append(self._revived(kept, what))
            except JournalDamaged as error:
                if not self._force:
                    raise self._refused(str(error)) from None
                lost.append((what, f"{str(error).removeprefix(what + ': ')}: what was there before is lost"))
                undos += self._by_lines(kept, what)
        back, gate = str(line.get("back", "")), bool(line.get("gate"))
        return Entry(key, str(line["title"]), tuple(undos), tuple(lost), back, gate)

    def _revived(self, kept: Line, what: str) -> Undo:
        content = self._copy(kept["copy"], what) if "copy" in kept else None
        if "argv" in kept:
            data = content if content is not None else kept["input"].encode("utf-8", "surrogateescape")
            return Command(tuple(kept["argv"]), data, content is not None, kept["timeout"])
        lines = self._json(kept["lines"]) if "lines" in kept else []
        return _put_back(kept, content, lines, kept["mixed"])

    def _by_lines(self, kept: Line, what: str) -> list[Undo]:
        """The undo of a file whose former content is lost: remove at least our own lines."""
        try:
            lines = json.loads(self._copy(kept["lines"], what))
        except (JournalDamaged, KeyError, ValueError):
            return []
        return [_put_back(kept, None, lines, True)]


def _put_back(kept: Line, content: bytes | None, lines: Sequence[Any], mixed: bool) -> PutBack:
    return PutBack(
        kept["path"],
        content,
        kept["wrote"][0],
        kept["mode"],
        kept["owner"],
        tuple(kept["folders"]),
        tuple((str(ours), before) for ours, before in lines),
        tuple(kept["wrote"][1:]),
        mixed,
    )


def _copies(kept: Line) -> tuple[str, ...]:
    return tuple(kept[name] for name in ("copy", "lines") if name in kept)
