"""The talk with sudo, and with the command that it runs: nothing secret is sent before the far side has asked for it."""

from __future__ import annotations

from anywhere.hosts.bounds import ERRORS_KEPT
from anywhere.hosts.ssh.channels.session import Enough, Reply


class Prompt:
    """Answers sudo's own prompt, once: a second one means that the password is wrong, and then there is no more.

    `mark` is the token of the script, which the shell over there puts together from two parts."""

    def __init__(self, mark: str, password: str) -> None:
        self.text = f"{mark}-sudo".encode()
        self._password = password
        self._seen = b""
        self.asked = 0

    def answer(self, data: bytes) -> Reply | None:
        """What to send after this piece of standard error."""
        text = self._seen + data
        count = text.count(self.text)
        rest = text.rpartition(self.text)[2] if count else text
        self._seen = rest[1 - len(self.text) :]
        if not count or not self._password:
            return None
        first = not self.asked
        self.asked += count
        if first and count == 1:
            return Reply(f"{self._password}\n".encode())
        return Reply(last=True)


class Action:
    """One command: sudo's prompt, then the word that it runs (`go`), then its input, and its output meanwhile."""

    def __init__(self, mark: str, password: str, input: bytes, most: int, is_watched: bool = False) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.runs = self._writes = False
        self.is_full = False
        self._prompt = Prompt(mark, password)
        self._go = f"\n{mark} go\n".encode()
        self._input = f"{mark} {len(input)}\n".encode() + input if input else b""
        self._most, self._is_watched = most, is_watched

    @property
    def errors(self) -> bytes:
        """Standard error of the command, or of sudo where that did not run it."""
        return bytes(self.err).replace(self._prompt.text, b"").strip() + b"\n" if not self.runs else bytes(self.err)

    @property
    def output(self) -> bytes:
        """What the command printed, without what login scripts printed before it."""
        return bytes(self.out) if self._writes else b""

    def feed(self, data: bytes, is_error: bool) -> Reply | None:
        """See Sink."""
        if not is_error:
            self.out += data
            if not self._writes and (place := self.out.find(self._go)) >= 0:
                self._writes = True
                del self.out[: place + len(self._go)]
            if len(self.out) > self._most:
                self.is_full = True
                self.out.clear()
                raise Enough
            return None
        if self.runs:
            self.err += data[: ERRORS_KEPT - len(self.err)]
            return None
        self.err += data
        _, found, after = self.err.partition(self._go)
        if found:
            self.runs, self.err = True, after[:ERRORS_KEPT]
            return Reply(self._input, last=not self._is_watched)
        if len(self.err) > ERRORS_KEPT:
            raise Enough
        return self._prompt.answer(data)
