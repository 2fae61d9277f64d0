"""Downloads that can be cut anywhere and go on: range requests, a part file, and no file under its name until it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import requests

from anywhere.documents.numbers import whole
from anywhere.errors import AnywhereError

CONNECT, READ = 10.0, 30.0  # seconds, per try and per piece
TRIES = 4
LARGEST = 2 << 30  # bytes: the agents' packages have a few hundred million
_CHUNK = 1 << 18
_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
Progress = Callable[[str, int, int], None]


class DownloadFailed(AnywhereError):
    """A file could not be fetched (exit code 1, cause `code`); what was received stays in the part file for the next try."""

    exit_code, code = 1, "package.download"


class _Final(Exception):
    """A failure that no further try changes."""


def download(url: str, path: str, progress: Progress = lambda name, have, of: None) -> None:
    """Fetch a file, going on where an earlier try ended. Raises DownloadFailed."""
    if os.path.exists(path):
        return
    why = ""
    with requests.Session() as session:
        session.verify = trust_store()
        for number in range(TRIES):
            if number:
                time.sleep(min(2 ** (number - 1), 4))
            try:
                _fetch(session, url, path + ".part", progress)
                os.replace(path + ".part", path)
                return
            except _Final as error:
                raise DownloadFailed(f"{url}: {error}") from None
            except requests.exceptions.SSLError as error:
                raise DownloadFailed(f"{url}: the certificate is not trusted here: {_reason(error)}") from None
            except requests.exceptions.ProxyError as error:
                raise DownloadFailed(f"{url}: the proxy refuses or cannot be reached: {_reason(error)}") from None
            except requests.exceptions.RequestException as error:
                why = _reason(error)
            except OSError as error:
                raise DownloadFailed(f"{path}: {error.strerror}") from None
    raise DownloadFailed(f"{url}: no complete download in {TRIES} tries: {why}; run the command again to go on")


def trust_store() -> str | bool:
    """The CA bundle: the one that the environment names, else this machine's own, else requests'."""
    named = [os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")]
    return next((path for path in (*named, *_STORES) if path and os.path.isfile(path)), True)


def _fetch(session: requests.Session, url: str, part: str, progress: Progress) -> None:
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with session.get(url, headers=headers, stream=True, timeout=(CONNECT, READ)) as answer:
        if answer.status_code == 416:  # the part is as long as the file, or longer: of another version
            os.unlink(part)
            raise requests.exceptions.ConnectionError("the part file did not fit and was dropped")
        if answer.status_code >= 500 or answer.status_code == 429:
            raise requests.exceptions.ConnectionError(f"HTTP {answer.status_code}")
        if answer.status_code not in (200, 206):
            raise _Final(f"HTTP {answer.status_code}{_meaning(answer.status_code)}")
        if "text/html" in answer.headers.get("content-type", ""):
            raise _Final("a web page came instead of the file: a proxy or portal answered in its place")
        if answer.status_code == 200:
            have = 0
        _receive(answer, part, have, progress)


def _receive(answer: requests.Response, part: str, have: int, progress: Progress) -> None:
    name = os.path.basename(part).removesuffix(".part")
    length = whole(answer.headers.get("content-length", ""))
    total = 0 if length is None else have + length
    if total > LARGEST:
        raise _Final(f"{total >> 20} MiB: too large for a package")
    with open(part, "r+b" if have else "wb") as file:
        file.seek(have)
        file.truncate()
        for piece in answer.iter_content(_CHUNK):
            file.write(piece)
            have += len(piece)
            if have > LARGEST:
                raise _Final("too large for a package")
            progress(name, have, total)
        file.flush()
        os.fsync(file.fileno())
    if total and have != total:
        raise requests.exceptions.ConnectionError(f"{have} of {total} bytes")


def _meaning(status: int) -> str:
    return {
        403: " (S3 says this for a file that does not exist: check region, version and architecture)",
        404: " (no such file there)",
        407: " (the proxy wants credentials)",
    }.get(status, "")


def _reason(error: BaseException) -> str:
    """The innermost message, in one line: requests wraps it three times."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    reason = getattr(inner, "reason", None)
    return " ".join(str(reason or inner).split())[:300]
