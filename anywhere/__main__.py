"""`python -m anywhere`, and the command `anywhere`."""

import os
import signal
import sys

UNUSABLE = 3  # exit code: nothing could be checked

# Before anything that loads OpenSSL: the probes offer what Go programs do, whatever this host's own configuration says.
# What we start gets the caller's value back (hosts.local).
os.environ["ANYWHERE_CALLER_OPENSSL_CONF"] = os.environ.get("OPENSSL_CONF", "")
os.environ["OPENSSL_CONF"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hosts/probe/go/openssl.cnf")


def main() -> None:
    """Until the command line is there to say so in one line, Ctrl-C ends the program without a word."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from anywhere.cli import main

        main()
    except (ImportError, PermissionError) as error:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, PermissionError) else str(error)
        sys.stderr.write(
            f"anywhere: cannot read the program's own files {_as_whom()}({said}): "
            "run it with sudo, or install it again with umask 022\n"
        )
        sys.exit(UNUSABLE)


def _as_whom() -> str:
    return f"as uid {os.geteuid()} " if hasattr(os, "geteuid") else ""  # Windows has no such number


if __name__ == "__main__":
    main()
