"""How much one host may give: a size for each kind of file and command, so that nothing without end is taken in.

A settings file that a person writes has some KiB, a CA bundle 220 KiB, the rules of a busy node some MiB. What is larger
than its limit is not read in part: half a file would be judged as if it were the file.
"""

from __future__ import annotations

import errno

from anywhere.frozen import frozen

MIB = 1 << 20
NULL_DEVICE = (1, 3)  # major and minor number: what masks a file is an empty one


@frozen
class Limit:
    """The largest size of one kind of thing, in bytes (of a folder: in names) and in lines (0: any number)."""

    kind: str
    size: int
    lines: int = 0

    @property
    def met(self) -> str:
        """What is said when something is larger."""
        size = f"{self.size:,}"
        for unit, one in (("MiB", MIB), ("KiB", 1 << 10)):
            if self.size >= one and not self.size % one:
                size = f"{self.size // one} {unit}"
                break
        return f"larger than {size} (limit for {self.kind})"

    def met_by(self, data: bytes | bytearray) -> str:
        """The limit that this meets, in words; empty when it meets none."""
        if len(data) > self.size:
            return self.met
        if self.lines and data.count(b"\n") > self.lines:
            return f"larger than {self.lines:,} lines (limit for {self.kind})"
        return ""


SETTINGS = Limit("a settings file", 1 * MIB, 50_000)
HOSTS_FILE = Limit("the hosts file", 16 * MIB, 400_000)
STORE = Limit("a CA store", 4 * MIB)
LOG = Limit("a log", 4 * MIB)
OUTPUT = Limit("the output of a command", 4 * MIB, 50_000)
ANSWER = Limit("one route or address", 256 * 1024)  # the smallest of a command
QUESTIONS = (("route", "get"), ("addr", "show"))  # of `ip`
LISTING = Limit("a listing of rules or packages", 8 * MIB, 80_000)
FOLDER = Limit("the names in a folder", 50_000)
TOTAL = Limit("all that is kept of one host", 24 * MIB)
MOST_ADDRESSES = 64  # of one name; AWS answers with eight
ERRORS_KEPT = 64 * 1024  # bytes of standard error; the rest is dropped
LISTINGS = ("iptables", "ip6tables", "nft", "rpm", "dpkg-query", "ss", "journalctl")
STORES = ("/etc/ssl/", "/etc/pki/", ".crt", ".pem")
JOURNALS = "/var/lib/anywhere/"  # ours: what an undo needs is never too large to be read


class TooLarge(OSError):
    """What is there is larger than its kind may be. `strerror` says which limit was met."""

    def __init__(self, limit: Limit, path: str, met: str = "") -> None:
        super().__init__(errno.EFBIG, met or limit.met, path)


class NotAFile(OSError):
    """A pipe, socket or device stands where a file belongs: it is not opened."""

    def __init__(self, kind: str, path: str) -> None:
        super().__init__(errno.EINVAL, f"is a {kind}, not a file", path)


def is_limit(error: OSError) -> bool:
    """Whether a failure, also one read back from a bundle, is that a limit was met or that there was no file."""
    said = error.strerror or ""
    return isinstance(error, TooLarge | NotAFile) or (said.startswith("larger than ") or said.endswith(", not a file"))


def limit_of_file(path: str) -> Limit:
    """The limit for a file, by where it lies."""
    if path == "/etc/hosts":
        return HOSTS_FILE
    if path.endswith(".log") or path.startswith("/var/log/"):
        return LOG
    if path.startswith(JOURNALS):
        return LISTING
    return STORE if path.startswith(STORES[:2]) or path.endswith(STORES[2:]) else SETTINGS


def limit_of_command(argv: tuple[str, ...] | list[str]) -> Limit:
    """The limit for a command's output, by its program."""
    words = [word for word in argv if "=" not in word][:4]
    names = {word.rpartition("/")[2].partition("-")[0] for word in words}
    if "ip" in names and any(set(question) <= set(argv) for question in QUESTIONS):
        return ANSWER
    return LISTING if names & {name.partition("-")[0] for name in LISTINGS} else OUTPUT


def kept_addresses(addresses: tuple[str, ...], detail: str = "") -> tuple[tuple[str, ...], str]:
    """The addresses of a name that are looked at, and what is said where there are more."""
    if len(addresses) <= MOST_ADDRESSES:
        return addresses, detail
    return addresses[:MOST_ADDRESSES], f"{len(addresses)} addresses, the first {MOST_ADDRESSES} are used"
