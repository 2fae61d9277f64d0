"""TLS with the interpreter of the package against a private CA in the trust store, as each family of systems lays it out."""

from __future__ import annotations

import http.server
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.packaging.built.conftest import INSTALLED

pytestmark = [pytest.mark.slow, pytest.mark.region, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

_STORES = {
    "debian": "/etc/ssl/certs/ca-certificates.crt",
    "rhel": "/etc/pki/tls/certs/ca-bundle.crt",
    "rhel-extracted": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "suse": "/etc/ssl/ca-bundle.pem",
}
# /etc without any trust store but the one of the layout, in a mount namespace of its own.
_LAYOUT = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
rm -rf /etc/ssl /etc/pki
[ -z "$2" ] || { mkdir -p "${2%/*}"; cp "$3" "$2"; }
shift 3
exec env -i "$@"
"""
_FETCH = "import sys; from anywhere.artifacts.download import download; download(sys.argv[1], sys.argv[2])"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def url(authority: trustme.CA) -> Iterator[str]:
    """A server whose certificate comes from the private CA."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"text")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/file"
    server.shutdown()
    server.server_close()


def fetch(tree: Path, room: Path, url: str, authority: trustme.CA, store: str) -> tuple[int, str]:
    """Exit code and stderr of a download in a layout; 9 when the file is wrong."""
    pem, target, overlay = room / "ca.pem", room / "file", room / "overlay"
    authority.cert_pem.write_to_path(str(pem))
    overlay.mkdir()
    target.unlink(missing_ok=True)
    python = tree / INSTALLED / "bin/python3"
    inner = [str(python), "-I", "-B", "-c", _FETCH, url, str(target)]
    argv = ["unshare", "--mount", "sh", "-c", _LAYOUT, "sh", str(overlay), store, str(pem), *inner]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize("layout", _STORES)
def test_a_private_ca_in_the_store_is_trusted(
    tree: Path, room: Path, url: str, authority: trustme.CA, layout: str
) -> None:
    assert fetch(tree, room, url, authority, _STORES[layout]) == (0, "")
    assert (room / "file").read_bytes() == b"text"


def test_a_host_without_a_store_trusts_no_private_ca(tree: Path, room: Path, url: str, authority: trustme.CA) -> None:
    code, said = fetch(tree, room, url, authority, "")
    assert code == 1 and "not trusted" in said
