"""An HTTP answer as Go's net/http reads it: strict in the head, exact about the body.

Source: Go net/http response.go (ReadResponse), transfer.go (readTransfer, fixLength), internal/chunked.go,
net/textproto/reader.go (ReadMIMEHeader); 1.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from anywhere.frozen import frozen
from anywhere.hosts.probe.go.gzip import Gzip
from anywhere.hosts.probe.go.json_value import FirstValue
from anywhere.hosts.probe.go.stream import Ended, Stream

MOST_HEAD = 10 << 20  # bytes of head that net/http takes (DefaultMaxResponseHeaderBytes)
MOST_BODY = 1 << 20
LONGEST_CHUNK_LINE, MOST_EXCESS = 4096, 16 << 10
CONTINUE, SWITCHING, OK = 100, 101, 200
BODILESS = (204, 304)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z ]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@frozen
class Answer:
    """Status, reason phrase, the values of each header by its name in lower case."""

    status: int
    phrase: str
    version: tuple[int, int]
    headers: Mapping[str, tuple[str, ...]]

    def first(self, name: str) -> str:
        """The header's first value, empty without one."""
        return next(iter(self.headers.get(name, ())), "")


def read_answer(stream: Stream, *, skip_early: bool) -> Answer:
    """The head. `skip_early`: net/http passes over 1xx answers but 101, gorilla/websocket and CONNECT do not.

    Raises ValueError for what Go refuses.
    """
    while True:
        answer = _answer(stream)
        length(answer)
        if _is_chunked(answer):
            _check_trailer_names(answer)
        if not (skip_early and answer.status // 100 == 1 and answer.status != SWITCHING):
            return answer


def _answer(stream: Stream) -> Answer:
    line = stream.line().decode("latin-1")
    proto, blank, status = line.partition(" ")
    if not blank or not line.startswith("HTTP/"):
        raise ValueError("the answer is not HTTP")
    status = status.lstrip(" ")
    code, _, phrase = status.partition(" ")
    if len(code) != 3 or not code.isascii() or not code.isdigit():
        raise ValueError(f"malformed HTTP status code {code[:20]!r}")
    version = proto.removeprefix("HTTP/")
    if len(version) != 3 or version[1] != "." or not (version[0] + version[2]).isdecimal():
        raise ValueError(f"malformed HTTP version {proto[:20]!r}")
    headers: dict[str, list[str]] = {}
    for name, value in _headers(stream):
        headers.setdefault(name, []).append(value)
    kept = {name: tuple(values) for name, values in headers.items()}
    return Answer(int(code), phrase, (int(version[0]), int(version[2])), kept)


def _headers(stream: Stream) -> Iterator[tuple[str, str]]:
    if stream.peek() in (b" ", b"\t"):
        raise ValueError("malformed header: the first line starts with a blank")
    while line := stream.line().strip(b" \t"):
        if b":" not in line:
            raise ValueError("malformed header: a line has no colon")
        while stream.peek() in (b" ", b"\t"):
            line += b" " + stream.line().strip(b" \t")
        name, _, value = line.partition(b":")
        if not _NAME.fullmatch(name):
            raise ValueError("malformed header: a name holds a character that no header name has")
        if _CONTROL.search(value):
            raise ValueError("malformed header: a value holds a control character")
        yield name.decode("latin-1").lower(), value.decode("latin-1").lstrip(" \t")


def length(answer: Answer) -> int:
    """The declared length, -1 without one. Raises ValueError for values that Go refuses."""
    values = [value.strip(" \t") for value in answer.headers.get("content-length", ())]
    if not values or values == [""]:
        return -1  # an empty value: builds with Go's lax reading
    if len(set(values)) > 1:
        raise ValueError("several Content-Length headers that differ")
    if not values[0].isascii() or not values[0].isdigit() or int(values[0]) >= 1 << 63:
        raise ValueError(f"bad Content-Length {values[0][:20]!r}")
    return int(values[0])


def _is_chunked(answer: Answer) -> bool:
    values = answer.headers.get("transfer-encoding", ())
    if not values or answer.version < (1, 1):
        return False
    if len(values) > 1 or values[0].lower() != "chunked":
        raise ValueError(f"unsupported transfer encoding {values[0][:20]!r}")
    return True


def _check_trailer_names(answer: Answer) -> None:
    """A trailer may not announce what frames the body (transfer.go, fixTrailer)."""
    names = [name.strip().lower() for value in answer.headers.get("trailer", ()) for name in value.split(",")]
    for name in names:
        if name in ("transfer-encoding", "trailer", "content-length"):
            raise ValueError(f"bad trailer key {name!r}")


class Body:
    """What follows the head. `text` grows as it is read; `whole` is whether its end came as announced."""

    def __init__(self, stream: Stream, answer: Answer) -> None:
        self.text = b""
        self._pieces = self._read(stream, answer)
        self._unzip = Gzip() if answer.first("content-encoding").lower() == "gzip" else None

    def all(self) -> bytes:
        """The body to its end, as programs that read all of it do. Raises ValueError where it is cut or malformed."""
        for _ in self:
            pass
        return self.text

    def value(self) -> dict[bytes, bytes]:
        """The fields of the first JSON value, without reading on behind it. Raises ValueError where there is none."""
        reader = FirstValue()
        for _ in self:
            if reader.feed(self.text):
                return reader.fields
        if reader.feed(self.text, is_all=True):
            return reader.fields
        raise ValueError("the answer's body holds no JSON")

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.text += self._unzip.feed(piece) if self._unzip else piece
            yield piece
            if len(self.text) >= MOST_BODY:
                return
        if self._unzip:
            self._unzip.end()

    @staticmethod
    def _read(stream: Stream, answer: Answer) -> Iterator[bytes]:
        if answer.status // 100 == 1 or answer.status in BODILESS:
            return
        if _is_chunked(answer):
            yield from _chunks(stream)
            return
        left = length(answer)
        if left < 0:
            while piece := stream.rest():
                yield piece
        while left > 0:
            piece = stream.take(min(left, 65536))
            left -= len(piece)
            if piece:
                yield piece
            if left and len(piece) < min(left + len(piece), 65536):
                raise Ended(f"the answer's body is cut: {left} bytes are missing")


def _chunks(stream: Stream) -> Iterator[bytes]:
    excess = 0  # bytes of lines beyond what is usual beside so much content
    while True:
        line = stream.take_line(LONGEST_CHUNK_LINE)
        size = line.partition(b";")[0].rstrip(b" \t")
        if not size or len(size) > 16 or not set(size) <= set(b"0123456789abcdefABCDEF"):
            raise ValueError("malformed chunked encoding")
        left = int(size, 16)
        if not left:
            _trailer(stream)
            return
        excess = max(0, excess + len(line) + 4 - 16 - 2 * left)
        if excess > MOST_EXCESS:
            raise ValueError("the chunked encoding holds too much besides the content")
        while left:
            piece = stream.take(min(left, 65536))
            if not piece:
                raise Ended("the answer's body is cut in a chunk")
            left -= len(piece)
            yield piece
        if stream.take(2) != b"\r\n":
            raise ValueError("malformed chunked encoding")


def _trailer(stream: Stream) -> None:
    """The headers behind a chunked body (transfer.go, readTrailer)."""
    begun = stream.peek(2)
    if begun == b"\r\n":
        stream.take(2)
    elif len(begun) < 2:
        raise Ended("the answer's body is cut before its trailer")
    elif not stream.is_ahead(b"\r\n\r\n", LONGEST_CHUNK_LINE):
        raise ValueError("the trailer of the chunked encoding is too long")
    else:
        for _ in _headers(stream):
            pass
