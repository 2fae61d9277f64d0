"""`anywhere.toml`: the defaults of a site, and what of them counts today."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from anywhere.declared.expect import read_expect
from anywhere.errors import BadInput
from anywhere.files import read_file
from anywhere.flows.hosts import HOST_SECONDS, LONGEST, MOST_PARALLEL, PARALLEL, Hosts
from anywhere.frozen import frozen
from anywhere.settings import Settings
from anywhere.windows import IS_WINDOWS, is_posix_path, user

PLACES = ("anywhere.toml", "/etc/anywhere/anywhere.toml")
KEYS = ("region", "features", "accepted_issuers", "expect", "demote", "fleet")
DEMOTE_KEYS = ("check", "reason", "expires")
FLEET_KEYS = ("parallel", "host_timeout")
LARGEST = 64 * 1024  # bytes


@frozen
class Demotion:
    """A check or topic whose failures are warnings until a day, and why."""

    check: str
    reason: str
    expires: date


@frozen
class Config:
    """The values of a file; empty ones are not set."""

    path: str = ""
    regions: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    accepted_issuers: tuple[str, ...] = ()
    demotions: tuple[Demotion, ...] = ()
    parallel: int = 0
    host_timeout: float = 0.0
    expect: tuple[str, ...] = ()

    def applied(self, settings: Settings, today: date) -> Settings:
        """The settings with what the command line leaves open, and the demotions that have not expired."""
        current = tuple(one.check for one in self.demotions if one.expires >= today)
        return replace(
            settings,
            regions=settings.regions or self.regions,
            features=settings.features or frozenset(self.features),
            accepted_issuers=tuple(dict.fromkeys((*settings.accepted_issuers, *self.accepted_issuers))),
            demote=tuple(dict.fromkeys((*settings.demote, *current))),
            expect=settings.expect or self.expect,
        )

    def paced(self, hosts: Hosts) -> Hosts:
        """The hosts with the file's defaults for what the command line leaves open."""
        return replace(
            hosts,
            parallel=self.parallel if self.parallel and hosts.parallel == PARALLEL else hosts.parallel,
            seconds=self.host_timeout if self.host_timeout and hosts.seconds == HOST_SECONDS else hosts.seconds,
        )

    def notes(self, given: Settings, today: date) -> list[str]:
        """What the file changes about a run, a line each, for the report."""
        found = []
        if self.regions and not given.regions:
            found.append(f"region {', '.join(self.regions)}")
        if self.features and not given.features:
            found.append(f"features {', '.join(self.features)}")
        found += [f"accepts the issuer {name}" for name in self.accepted_issuers]
        if self.expect and not given.expect:
            found.append(f"expects {', '.join(self.expect)}")
        for one in self.demotions:
            until = "until" if one.expires >= today else "no longer, expired"
            found.append(f"{one.check} demoted {until} {one.expires}: {one.reason}")
        return [f"{note} ({self.path})" for note in found]


def load(path: str) -> Config:
    """The file of --config, else the first of the usual places; empty where there is none. Raises BadInput."""
    if path:
        return _read(path)
    found = next((place for place in PLACES if os.path.isfile(place) and not (IS_WINDOWS and is_posix_path(place))), "")
    if not found:
        return Config()
    if os.stat(found).st_uid not in (0, user()):
        raise BadInput(f"{found} belongs to another user: give it with --config if it may change this run")
    return _read(found)


def _read(path: str) -> Config:
    import tomllib  # most runs read no such file

    try:
        body = tomllib.loads(read_file(path, LARGEST).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error
    _known(path, body, KEYS)
    fleet = body.get("fleet", {})
    if not isinstance(fleet, dict):
        raise BadInput(f"{path}: fleet must be a table: [fleet]")
    _known(path, fleet, FLEET_KEYS)
    return Config(
        path,
        _texts(path, body, "region"),
        _texts(path, body, "features"),
        _texts(path, body, "accepted_issuers"),
        _demotions(path, body.get("demote", [])),
        int(_number(path, fleet, "parallel")),
        float(_number(path, fleet, "host_timeout")),
        _ways(path, body),
    )


def _known(path: str, body: Mapping[str, object], keys: Iterable[str]) -> None:
    for key in body:
        if key not in tuple(keys):
            raise BadInput(f"{path}: {BadInput.unknown('key', key, tuple(keys))}")


def _texts(path: str, body: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = body.get(key, [])
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
        raise BadInput(f"{path}: {key} must be a text or a list of texts")
    return tuple(values)


def _ways(path: str, body: Mapping[str, object]) -> tuple[str, ...]:
    try:
        return read_expect(_texts(path, body, "expect"))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _number(path: str, body: Mapping[str, object], key: str) -> int | float:
    value = body.get(key)
    if value is None:
        return 0
    most = MOST_PARALLEL if key == "parallel" else LONGEST
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= most:
        raise BadInput(f"{path}: fleet.{key} must be a positive number, 1 to {most:g}")
    return value


def _demotions(path: str, rows: object) -> tuple[Demotion, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{path}: write each demoted check as [[demote]] with check, reason and expires")
    found = []
    for row in rows:
        _known(path, row, DEMOTE_KEYS)
        check, reason, expires = (row.get(key) for key in DEMOTE_KEYS)
        if not isinstance(check, str) or not isinstance(reason, str) or not reason.strip():
            raise BadInput(f"{path}: a demoted check needs its name and a reason")
        if type(expires) is not date:
            raise BadInput(f"{path}: demoting {check} needs a date without quotes, such as expires = 2027-03-31")
        found.append(Demotion(check, reason.strip(), expires))
    return tuple(found)
