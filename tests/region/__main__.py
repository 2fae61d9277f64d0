"""`python -m tests.region [options] -- COMMAND...`: run a command on the host of an embedded AWS region."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys

from tests.region.faults import UnknownFault, table
from tests.region.options import PROXIES, RESOLVERS, Options
from tests.region.region import Region, RegionError


def main(argv: list[str]) -> int:
    """The command's own exit code; 2 for a wrong use of this one."""
    parser = build_parser()
    words, command = _split(argv)
    chosen = parser.parse_args(words)
    if chosen.list:
        with contextlib.suppress(BrokenPipeError):  # `--list | head`
            print(listing(), flush=True)
            return 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if not command:
        parser.error("no command: put it after --, as in `python -m tests.region -- anywhere check --region us-east-1`")
    # Ends by signals must run what takes the region down.
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda number, frame: sys.exit(128 + number))
    try:
        options = options_of(chosen)
        with Region(chosen.fault, chosen.variation, options) as region:
            return region.call(command)
    except (UnknownFault, RegionError, ValueError, OSError) as error:
        print(f"tests.region: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def options_of(chosen: argparse.Namespace) -> Options:
    """The options that were given; the others keep their defaults."""
    names = Options.__dataclass_fields__.keys()
    given = {name: value for name, value in vars(chosen).items() if name in names and value is not None}
    for name in ("regions", "binds"):
        if name in given:
            given[name] = tuple(given[name])
    return Options(**given)


def listing() -> str:
    """The table of faults and variations, by topic."""
    rows = sorted(table().values(), key=lambda one: (one.is_healthy, one.topic))
    width = max(len(one.name) for one in rows)
    lines = [f"{one.name:{width}}  {' '.join(sorted(one.causes)) or 'healthy':28}  {one.description}" for one in rows]
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    """The options. Those that shape the region have the names of `Options`."""
    parser = argparse.ArgumentParser(
        "python -m tests.region", usage="%(prog)s [options] -- COMMAND...", description=__doc__
    )
    add = parser.add_argument
    add("--fault", action="append", default=[], metavar="NAME", help="a fault, again for more than one")
    add("--variation", action="append", default=[], metavar="NAME", help="a healthy variation")
    add("--list", action="store_true", help="print the faults and variations with the causes expected, and stop")
    add("--region", dest="regions", action="append", metavar="NAME", help="the region's name (us-east-1)")
    add("--suffix", help="DNS suffix in place of the partition's own")
    add("--delay", type=float, metavar="SECONDS", help="the servers' thinking time")
    add("--shards", type=int, metavar="N", help="how many ecs-a-N and ecs-t-N exist (4)")
    add("--nameservers", type=int, metavar="N", help="how many nameservers resolv.conf names (1)")
    add("--resolver", metavar="PROGRAM", help=f"{', '.join(RESOLVERS)}")
    add("--proxy", metavar="PROGRAM", help=f"{', '.join(PROXIES)}")
    add("--hostname", metavar="NAME", help="the host's name (server1)")
    add("--ca", metavar="NAME", help="common name of the root that signs for AWS; its organisation stays Amazon")
    ranges = {
        "site": "IPv4 of the site: LAN, resolvers, proxy, PrivateLink",
        "site6": "IPv6 of the site",
        "public": "IPv4 of AWS's public side",
        "public6": "IPv6 of AWS's public side",
        "private6": "IPv6 of PrivateLink",
    }
    for name, text in ranges.items():
        default = Options.__dataclass_fields__[name].default
        add(f"--{name}", metavar="RANGE", help=f"{text} ({default})")
    add(
        "--bind",
        dest="binds",
        action="append",
        metavar="FOLDER",
        help="a folder that the command may write to for real",
    )
    return parser


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    place = argv.index("--")
    return argv[:place], argv[place + 1 :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
