"""Logging in: ssh_config, known_hosts, jump hosts, agent and keys as OpenSSH uses them; failures as HostUnreachable."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import asyncssh
from asyncssh.pattern import WildcardPatternList
from asyncssh.public_key import get_certificate_algs, get_public_key_algs

from anywhere.errors import HostUnreachable
from anywhere.hosts.ssh.connection import LIBRARY, LOOP, Connection
from anywhere.hosts.ssh.failures import CONNECT, HANDSHAKE, JUMP, LOOK_UP, PROXY, SETTINGS, Attempt, explain
from anywhere.hosts.ssh.known_hosts import SYSTEM_FILES, USER_FILES, Client, KnownHosts, Place
from anywhere.hosts.ssh.settings import bound, reading
from anywhere.hosts.ssh.settings.host_keys import more_lines
from anywhere.hosts.ssh.settings.key_files import DEFAULT, KeyFiles, sorted_out
from anywhere.hosts.ssh.settings.keywords import PKCS11, expanded
from anywhere.hosts.ssh.settings.master import through
from anywhere.hosts.ssh.settings.own_addresses import own_addresses
from anywhere.hosts.ssh.settings.proxy_command import ProxyCommand
from anywhere.hosts.target import SSHOptions, SSHTarget, parse_target
from anywhere.threads import within

bound.bound()
reading.bound()
NO_KEY = iter(())  # asyncssh takes an empty list for the default keys
CONFIGS = ("~/.ssh/config", "/etc/ssh/ssh_config")
# Cheapest first where ssh_config does not choose: a fleet pays for each handshake. All others stay on offer.
FIRST_KEX = (b"curve25519-sha256", b"curve25519-sha256@libssh.org")
FIRST_CIPHERS = (b"aes128-gcm@openssh.com", b"aes256-gcm@openssh.com")
# In OpenSSH's order, behind those of the keys that are known: a host that has none of these any more has changed its key.
NEW_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521") + (
    "rsa-sha2-512",
    "rsa-sha2-256",
)


def login(target: SSHTarget, options: SSHOptions, seconds: float) -> Connection:
    """An authenticated connection. Raises HostUnreachable with what to do."""
    return _login(target, options, Attempt(seconds), ())


def _login(target: SSHTarget, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    """`chain` names the hosts that wait for this one."""
    try:
        settings, more = _settings(target, options, attempt)
        route = _route(settings, target, options, attempt, (*chain, target.host))
        attempt.step = PROXY if attempt.command else HANDSHAKE
        inner = LOOP.call(_handshake(target, settings, more | route), attempt.left())
        return _connection(inner, target, options)
    except (*LIBRARY, ValueError, KeyError) as error:
        failure = explain(error, target, options, attempt, "jump host " if chain else "")
        if attempt.command:
            attempt.command.end()
        raise failure from error


def _connection(inner: asyncssh.SSHClientConnection, target: SSHTarget, options: SSHOptions) -> Connection:
    owner: object = inner.get_owner()
    meter = owner.meter if isinstance(owner, Client) else None
    return Connection(inner, target.label, meter, target.by_hand(options))


async def _handshake(target: SSHTarget, settings: object, more: dict[str, object]) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(target.host, target.port or (), options=settings, config=None, **more)


def _settings(target: SSHTarget, options: SSHOptions, attempt: Attempt) -> tuple[Any, dict[str, object]]:
    """asyncssh's options for this host, ssh_config applied, and what is to be added to them."""
    files = _files(options)
    if lines := (*target.lines, *options.lines):
        files.insert(0, bound.given(lines))
    attempt.step = SETTINGS
    config = reading.read(files, target.host, target.user, target.port, attempt.left())
    keys = (target.identity,) if target.identity else options.identities
    settings = _options(config, target, [os.path.expanduser(path) for path in keys], attempt)
    place = _place(settings, options, attempt.left())
    attempt.user, attempt.place = settings.username, place.text
    attempt.file = "" if place.known.files[0] == os.path.expanduser(USER_FILES[0]) else place.known.files[0]
    attempt.step, attempt.allowed, attempt.master = CONNECT, config._options, str(config.get("ControlPath") or "")
    attempt.has_keys = bool(settings.client_keys) or os.path.exists(settings.agent_path or "")

    def client() -> Client:
        attempt.clients.append(Client(place, options.accept_new, attempt.command, attempt.files))
        return attempt.clients[-1]

    more: dict[str, object] = {"known_hosts": place.match, "client_factory": client}
    if settings.config.get("KexAlgorithms") is None:
        more["kex_algs"] = _first(FIRST_KEX, settings.kex_algs)
    allowed = str(config.get("HostKeyAlgorithms") or "+")
    if allowed[0] in "+-":  # else the user has chosen an order (sshconnect2.c, ssh_kex2)
        more["server_host_key_algs"] = _host_keys([*place.algorithms(), *NEW_KEYS], allowed)
    if settings.config.get("Ciphers") is None:
        more["encryption_algs"] = _first(FIRST_CIPHERS, settings.encryption_algs)
    return settings, more


def _files(options: SSHOptions) -> list[str]:
    return [path for path in map(os.path.expanduser, options.config or CONFIGS) if os.access(path, os.R_OK)]


def _options(config: reading.Config, target: SSHTarget, keys: Sequence[str], attempt: Attempt) -> Any:
    """asyncssh's options; of the key files that ssh_config names those that serve."""
    chosen: dict[str, object] = {"host": target.host, "ignore_encrypted": True, "keepalive_interval": 0}
    chosen |= {"username": target.user} if target.user else {}
    chosen |= {"port": target.port} if target.port else {}
    named: Any = keys or config.get("IdentityFile")
    certificates: Any = config.get("CertificateFile") or []
    files = sorted_out(DEFAULT if named is None else named, certificates)
    attempt.files, attempt.notes = files, (*(files.notes if named else ()), *_unused(config))
    chosen["client_certs"] = list(files.certificates)
    if keys:
        chosen["client_keys"] = list(keys)
    elif named is not None:
        chosen |= {"client_keys": list(files.private) or NO_KEY} | _only(config, files)
    settings: Any = asyncssh.SSHClientConnectionOptions(reading.carrier(config), **chosen)
    settings.config = config
    return settings


def _unused(config: reading.Config) -> tuple[str, ...]:
    token = config.get(PKCS11)
    return (f"the keys of PKCS11Provider are not used (load them with `ssh-add -s {token}`)",) if token else ()


def _only(config: reading.Config, files: KeyFiles) -> dict[str, object]:
    """With IdentitiesOnly, the keys of the agent that are offered."""
    return {"agent_identities": list(files.identities) or [b""]} if config.get("IdentitiesOnly") else {}


def _place(settings: Any, options: SSHOptions, seconds: float) -> Place:
    """Where the host's key is looked for."""
    config, alias = settings.config, settings.host_key_alias or ""
    known = KnownHosts.of(options.known_hosts or _known_hosts(config))
    place = Place(known, settings.host, settings.port, alias, is_hashed=bool(config.get("HashKnownHosts")))
    place.learn(more_lines(config, place.text, seconds))
    return place


def _known_hosts(config: Any) -> tuple[str, ...]:
    """The user's files and the system's (ssh_config(5), UserKnownHostsFile, GlobalKnownHostsFile). New keys go to the first:
    where the user has none, nowhere."""
    own, everyone = config.get("UserKnownHostsFile"), config.get("GlobalKnownHostsFile")
    return (*(USER_FILES if own is None else own or (os.devnull,)), *(SYSTEM_FILES if everyone is None else everyone))


def _host_keys(usual: Sequence[str], allowed: str) -> list[str]:
    """Those that are asked for, in this order, after what ssh_config adds (`+`) or takes away (`-`)."""
    patterns = WildcardPatternList(allowed[1:])
    if allowed[0] == "-":
        return [name for name in usual if not patterns.matches(name)]
    known = [name.decode() for name in (*get_public_key_algs(), *get_certificate_algs())]
    return list(dict.fromkeys([*usual, *(name for name in known if patterns.matches(name))]))


def _first(wanted: tuple[bytes, ...], offered: Sequence[bytes]) -> list[str]:
    ordered = [name for name in wanted if name in offered] + [name for name in offered if name not in wanted]
    return [name.decode() for name in ordered]


def _route(
    settings: Any, target: SSHTarget, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]
) -> dict[str, object]:
    """How to get there: through jump hosts, by a proxy command, or straight."""
    hops = [parse_target(hop) for hop in expanded(settings.config, settings.tunnel or "").split(",") if hop]
    if hops and all(hop.host != target.host for hop in hops):
        if any(hop.host in chain for hop in hops):
            raise ValueError(f"ProxyJump goes in a circle: {' '.join(chain)}")
        if command := _through_master(hops[-1], settings, options):
            attempt.command, attempt.way = ProxyCommand(command), f"the open connection to the jump host {hops[-1]}"
            return {"tunnel": None, "sock": attempt.command.near}
        return {"tunnel": _jump(tuple(hops), options, attempt, chain).inner}
    if (command := settings.config.get("ProxyCommand")) and os.name != "nt":
        attempt.command = ProxyCommand(command)
        return {"tunnel": None, "proxy_command": None, "sock": attempt.command.near}
    if command:
        return {"tunnel": None}
    return {"tunnel": None, "sock": _connect(settings, attempt)}


def _through_master(hop: SSHTarget, settings: Any, options: SSHOptions) -> str:
    """A jump host to which `ssh` has a connection open is not logged in to: there may be a code to type."""
    path = _control_path(hop, options)
    named = ["-F", options.config[0]] if options.config else []
    where = [*(["-l", hop.user] if hop.user else []), *(["-p", str(hop.port)] if hop.port else []), hop.host]
    return through(path, [*named, *where], settings.host, settings.port)


@lru_cache(maxsize=64)
def _control_path(hop: SSHTarget, options: SSHOptions) -> str:
    """Of a jump host, read once for all hosts behind it."""
    config = reading.read(_files(options), hop.host, hop.user, hop.port, options.connect_timeout)
    return str(config.get("ControlPath") or "")


def _connect(settings: Any, attempt: Attempt) -> socket.socket:
    """A TCP connection to the first address that answers, from BindAddress where that is set."""
    attempt.step = LOOK_UP
    found = _addresses(settings.host, settings.port, settings.family, attempt)
    attempt.step = CONNECT
    failure = OSError("no address")
    interface = settings.config.get("BindInterface")
    for index, (kind, _, _, _, address) in enumerate(found):
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(attempt.left() / (len(found) - index))
            if settings.local_addr:
                sock.bind(settings.local_addr)
            elif interface:
                sock.bind((_address_of(interface, kind), 0))
            sock.connect(address)
            sock.setblocking(False)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _address_of(interface: str, kind: int) -> str:
    """The interface's first address of a family (sshconnect.c, check_ifaddrs)."""
    is_wanted = {socket.AF_INET: lambda address: ":" not in address, socket.AF_INET6: lambda address: ":" in address}
    for address in filter(is_wanted[socket.AddressFamily(kind)], own_addresses(interface)):
        return address
    raise OSError(0, f"BindInterface {interface} has no address of this family")


def _addresses(host: str, port: int, family: int, attempt: Attempt) -> list[tuple[Any, ...]]:
    """A name is looked up aside: that cannot be interrupted."""
    ask: Any = partial(socket.getaddrinfo, host, port, family or 0, socket.SOCK_STREAM)
    with contextlib.suppress(socket.gaierror):
        return list(ask(flags=socket.AI_NUMERICHOST))
    return list(within(attempt.left(), ask))


# --- jump hosts --------------------------------------------------------------------------------------------------

Hops = tuple[SSHTarget, ...]
_jumps: dict[tuple[Hops, SSHOptions], Connection] = {}
REFUSED = 300.0  # seconds for which a jump host's refusal holds: a watch goes on for days
_refused: dict[tuple[Hops, SSHOptions], tuple[float, HostUnreachable]] = {}
_jump_locks: dict[tuple[Hops, SSHOptions], threading.Lock] = {}
_jumps_lock = threading.Lock()


def _jump(hops: Hops, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    """The connection to the last of these hops, one for the whole run. One that refuses us is not asked again for the next
    host: it would lock the account."""
    key = (hops, options)
    with _jumps_lock:
        lock = _jump_locks.setdefault(key, threading.Lock())
    if not lock.acquire(timeout=attempt.left()):
        attempt.step = JUMP
        raise TimeoutError(JUMP)
    try:
        if _is_refused(key):
            raise copy(_refused[key][1])
        if key not in _jumps or _jumps[key].inner.is_closed():
            _jumps[key] = _open_jump(hops, options, attempt, chain)
        return _jumps[key]
    except HostUnreachable as error:
        if error.code == "host.permission" and not _is_refused(key):
            _refused[key] = time.monotonic(), error
        raise
    finally:
        lock.release()


def _is_refused(key: tuple[Hops, SSHOptions]) -> bool:
    return key in _refused and time.monotonic() - _refused[key][0] < REFUSED


def _open_jump(hops: Hops, options: SSHOptions, attempt: Attempt, chain: tuple[str, ...]) -> Connection:
    *before, last = hops
    own = Attempt(attempt.left())  # its user and keys are not those of the host behind it
    plain = replace(options, lines=())  # ssh's own arguments are for the destination alone
    if not before:
        return _login(last, plain, own, chain)
    inner = _jump(tuple(before), options, attempt, chain).inner
    try:
        settings, more = _settings(last, plain, own)
        work = _handshake(last, settings, more | {"tunnel": inner})
        return _connection(LOOP.call(work, own.left()), last, options)
    except (*LIBRARY, ValueError) as error:
        raise explain(error, last, options, own, "jump host ") from error
