"""One host of a run: opened, examined, saved. Whatever happens to it is a target, never the end of the run."""

from __future__ import annotations

import dataclasses
import os
import re
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from anywhere.errors import AnywhereError, BadInput, HostUnreachable
from anywhere.flows.clean import clean
from anywhere.flows.examine import examine
from anywhere.flows.hosts import Hosts
from anywhere.hosts.open import BUNDLES, is_bundle, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.inventory import Entry
from anywhere.model import Cause, Finding, Remedy, Status, Target
from anywhere.settings import Settings

CHECK = "host.reach"
LOST = HostUnreachable.__name__
_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]+")


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges hosts of one run. `save` is a bundle's path, or with `many` a folder for one bundle a host; `titles` are
    names for what calls itself `local`."""

    settings: Settings
    hosts: Hosts
    save: str = ""
    many: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, entry: Entry) -> Target:
        """The judged host. Of many, one that cannot be opened is a target too; a single bundle's faults are raised."""
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        begun = time.monotonic()
        try:
            return self._judge(entry)
        except OtherBundle:
            raise
        except HostUnreachable as error:
            return unreachable(entry.name, error, started, time.monotonic() - begun)
        except AnywhereError as error:
            if not self.many:
                raise
            return unreachable(entry.name, HostUnreachable(str(error)), started, time.monotonic() - begun)
        except Exception as error:
            if not self.many:
                raise
            lines = traceback.format_exc().strip().splitlines()
            said = HostUnreachable(f"a fault of this program: {type(error).__name__}: {error}")
            return unreachable(entry.name, said, started, time.monotonic() - begun, traceback=lines)

    def give_up(self, entry: Entry) -> Target:
        """The target of a host that took too long."""
        seconds = self.hosts.seconds
        error = HostUnreachable(
            f"no result within {seconds:.0f} s", remedy="see what hangs there, or raise --host-timeout"
        )
        return unreachable(entry.name, error, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), seconds)

    def _judge(self, entry: Entry) -> Target:
        recording, own = open_host(entry, self.settings, self.hosts)
        try:
            target = examine(recording, own, captured(entry))
            if self.many and target.name == "local":
                target = replace(target, name=self.titles.get(entry.name, target.name))
            if self.save:
                self._save(recording, own, target)
        finally:
            recording.close()
        return gone(target)

    def _save(self, recording: Recording, settings: Settings, target: Target) -> None:
        from anywhere.hosts.bundle import save

        path = os.path.join(self.save, f"{_UNSAFE.sub('_', recording.name)}.json.gz") if self.many else self.save
        save(recording, path, target.started, as_dict(settings))


def open_host(entry: Entry, settings: Settings, hosts: Hosts) -> tuple[Recording, Settings]:
    """The host, and the settings with its region: the given one, the bundle's, or where it is registered."""
    if isinstance(entry.spec, str) and is_bundle(entry.spec):
        return _bundle(entry.spec, settings)
    recording = open_recorded(entry.spec, settings.budget + settings.idle, hosts.ssh, hosts.seconds)
    return recording, replace(settings, regions=settings.regions or (region_of(recording),))


class OtherBundle(BadInput):
    """What is asked was not observed when the bundle was saved: wrong for the whole run, not for one host."""


def _bundle(spec: str, settings: Settings) -> tuple[Recording, Settings]:
    """A bundle answers for the options that it was saved with; words about checks and phases still count."""
    from anywhere.hosts.bundle import load

    saved = load(spec).get("settings", {})
    for option, asked, held in (
        ("--region", settings.regions, saved.get("regions", ())),
        ("--with", sorted(settings.features), saved.get("features", ())),
    ):
        if held_not := [word for word in asked if word not in held]:
            raise OtherBundle(
                f"{spec}: saved with {option} {','.join(held) or '(none)'}, so it cannot answer for "
                f"{','.join(held_not)}: leave {option} out, or save a new bundle with it"
            )
    own = {
        "regions": settings.regions or tuple(saved.get("regions", ())),
        "features": settings.features or frozenset(saved.get("features", ())),
        "shards": saved.get("shards", settings.shards),
        "dualstack": bool(saved.get("dualstack", settings.dualstack)),
        "fips": bool(saved.get("fips", settings.fips)),
        "accepted_issuers": settings.accepted_issuers or tuple(saved.get("accepted_issuers", ())),
    }
    return open_recorded(spec, settings.budget), replace(settings, **own)


def region_of(host: Recording) -> str:
    """Where the host is registered. Raises BadInput when that is nowhere."""
    from anywhere.facts.agents.registration import registration

    region = registration(host).region
    if not region:
        raise BadInput("say which region: --region us-east-1 (this host is not registered anywhere yet)")
    return region


def captured(entry: Entry) -> str:
    """When a bundle was saved; empty for a live host."""
    if not (isinstance(entry.spec, str) and entry.spec.endswith(BUNDLES)):
        return ""
    from anywhere.hosts.bundle import load

    return str(load(entry.spec).get("captured", ""))


def as_dict(settings: Settings) -> dict[str, object]:
    """The settings as JSON values."""
    values = dataclasses.asdict(settings)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}


def unreachable(name: str, error: HostUnreachable, started: str, seconds: float, **evidence: object) -> Target:
    """The target of a host about which nothing can be said, or nothing more."""
    finding, cause = _reach(name, error, 0, evidence)
    return Target(name, started=started, seconds=round(seconds, 3), causes=(cause,), findings=(finding,))


def _reach(name: str, error: HostUnreachable, place: int, evidence: dict[str, object]) -> tuple[Finding, Cause]:
    summary = clean(str(error).removeprefix(f"{name}: "))
    remedy = Remedy(clean(error.remedy) or "Check the address, the key and known_hosts.")
    finding = Finding(CHECK, Status.ERROR, name, summary, evidence=evidence, remedy=remedy, cause=error.code)
    return finding, Cause(error.code, Status.ERROR, summary, (name,), remedy, (place,))


def gone(target: Target) -> Target:
    """A host whose connection was lost on the way: what was seen before still counts, and one finding says so."""
    kept = [i for i, finding in enumerate(target.findings) if finding.evidence.get("because") != LOST]
    if len(kept) == len(target.findings):
        return target
    first = next(finding for finding in target.findings if finding.evidence.get("because") == LOST)
    finding, cause = _reach(target.name, HostUnreachable(first.summary), len(kept), {})
    places = {old: new for new, old in enumerate(kept)}
    causes = tuple(replace(one, findings=tuple(places[i] for i in one.findings)) for one in target.causes)
    return replace(target, findings=(*(target.findings[i] for i in kept), finding), causes=(*causes, cause))
