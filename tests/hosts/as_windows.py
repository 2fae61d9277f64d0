"""`python -m tests.hosts.as_windows ARGUMENT...`: `anywhere` without the names that Python has on POSIX systems only.

Not Windows, but whoever uses one of these names where Windows would be asked fails here as there. The list: what typeshed
declares for other platforms alone. Paths stay those of this system.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pkgutil
import select
import signal
import socket
import ssl
import sys
import types
from pathlib import Path

GONE = {
    os: "O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC chown fchmod fchown fork geteuid getegid getgid "
    "getloadavg getuid killpg lchown major minor mkfifo pread sched_getaffinity set_blocking setsid statvfs fstatvfs uname",
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGWINCH alarm setitimer pthread_sigmask",
    socket: "AF_UNIX EAI_ADDRFAMILY SO_BINDTODEVICE SO_MARK SO_PEERCRED TCP_CORK TCP_INFO",
    select: "POLLIN POLLOUT epoll poll",
}
MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")
# What these packages do at import for the system they are on is not looked at here.
FIRST = "asyncio asyncssh cryptography dns.resolver openpgp.composed psutil requests subprocess tempfile typer yaml"
STORE = Path("/etc/ssl/certs/ca-certificates.crt")


def become_windows() -> None:
    """Take away what Windows lacks, and put its own two names there."""
    roots = STORE.read_text().split("-----BEGIN CERTIFICATE-----")[1:] if STORE.exists() else []
    whole = [
        "-----BEGIN CERTIFICATE-----" + text.partition("-----END")[0] + "-----END CERTIFICATE-----" for text in roots
    ]
    store = [(ssl.PEM_cert_to_DER_cert(text), "x509_asn", True) for text in whole]
    for name in FIRST.split():
        importlib.import_module(name)
    for module, names in GONE.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules[name] = None  # an import of it fails
    ssl.enum_certificates = lambda name: store if name == "ROOT" else []
    shell = types.SimpleNamespace(IsUserAnAdmin=lambda: 0)
    ctypes.windll = types.SimpleNamespace(shell32=shell)
    sys.platform = "win32"


def import_all() -> None:
    """Import every module of the program."""
    import anywhere

    for module in pkgutil.walk_packages(anywhere.__path__, "anywhere."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    become_windows()
    if sys.argv[1:] == ["import-all"]:
        import_all()
    else:
        from anywhere.cli import main

        main(sys.argv[1:])
