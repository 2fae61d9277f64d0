"""Static files: the package buckets as S3 serves them, in both styles, and plain web sites such as a mirror."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from tests.region.controlplane.http import Answer, Request
from tests.region.controlplane.plane import Plane

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


def from_bucket(plane: Plane, request: Request) -> Answer | None:
    """An object of a bucket that is hosted here; None for other buckets."""
    labels = request.headers.get("host", request.name).partition(":")[0].split(".")
    if labels[0] == "s3":
        bucket, _, key = request.path.lstrip("/").partition("/")
    else:
        bucket, key = labels[0], request.path.lstrip("/")
    if bucket not in plane.buckets:
        return None
    path = _inside(plane.buckets[bucket], key)
    if path is None:
        return Answer(403, XML.format("AccessDenied", "Access Denied").encode(), "application/xml")
    return _file(path, request, "AmazonS3")


def from_site(plane: Plane, request: Request) -> Answer | None:
    """A file of a web site that is hosted here; None for other names."""
    if request.name not in plane.sites:
        return None
    path = _inside(plane.sites[request.name], request.path.lstrip("/"))
    return _file(path, request, "nginx") if path else Answer(404, b"404 Not Found\n", "text/plain")


def _inside(folder: str, key: str) -> Path | None:
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, key))
    return Path(path) if path.startswith(root + "/") and os.path.isfile(path) else None


def _file(path: Path, request: Request, server: str) -> Answer:
    data = path.read_bytes()
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(path.stat().st_mtime))
    tag = f'"{hashlib.md5(data).hexdigest()}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Last-Modified": when, "Server": server}
    answer = Answer(200, data, "application/octet-stream", headers)
    if request.headers.get("if-none-match") == tag or request.headers.get("if-modified-since") == when:
        return Answer(304, b"", answer.kind, headers)
    found = _RANGE.match(request.headers.get("range", ""))
    if found and request.headers.get("if-range", tag) in (tag, when):
        return _part(answer, found[1], found[2])
    return answer


def _part(answer: Answer, first: str, last: str) -> Answer:
    size = len(answer.body)
    start = int(first) if first else max(size - int(last or 0), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Answer(416, b"", answer.kind, answer.headers | {"Content-Range": f"bytes */{size}"})
    answer.headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    answer.status, answer.body = 206, answer.body[start : end + 1]
    return answer
