"""What `anywhere check` does once its words are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace

from anywhere.cli.output import progress, show
from anywhere.endpoints import endpoints
from anywhere.errors import BadInput
from anywhere.hosts.open import is_bundle, open_recorded
from anywhere.hosts.recording import Recording
from anywhere.model import Report, Target
from anywhere.report import renderer
from anywhere.run import choose, examine
from anywhere.settings import PHASES, Settings

LEAST_BUDGET, MOST_BUDGET = 0.5, 600.0


def run(settings: Settings, hosts: Sequence[str], *, format: str, output: str, save: str, strict: bool) -> int:
    """Judge, show, save; the exit code. Everything that can be wrong with the words is said before anything is done."""
    renderer(format)
    validate(settings)
    targets: list[Target] = []
    for spec in hosts:
        recording, own = open_host(spec, settings)
        with progress(f"checking {recording.name}"):
            target = examine(recording, own, captured(spec))
        targets.append(target)
        if save:
            from anywhere.hosts.bundle import save as save_bundle

            save_bundle(recording, save, target.started, as_dict(own))
    report = Report(tuple(targets))
    show(report, format, output)
    return report.exit_code(strict)


def validate(settings: Settings) -> None:
    """Raise BadInput for what no run can use."""
    choose(settings)
    for region in settings.regions or ("us-east-1",):
        endpoints(region, features=settings.features, phases=settings.phases or PHASES, shards=settings.shards)
    if not LEAST_BUDGET <= settings.budget <= MOST_BUDGET:
        raise BadInput(f"--budget must be {LEAST_BUDGET:g} to {MOST_BUDGET:g} seconds, not {settings.budget:g}")


def open_host(spec: str, settings: Settings) -> tuple[Recording, Settings]:
    """The host, and the settings with its region: the given one, the bundle's, or where it is registered."""
    if is_bundle(spec):
        return _bundle(spec, settings)
    recording = open_recorded(spec, settings.budget + settings.idle)
    return recording, replace(settings, regions=settings.regions or (region_of(recording),))


def _bundle(spec: str, settings: Settings) -> tuple[Recording, Settings]:
    """A bundle answers for the options that it was saved with; words about checks and phases still count."""
    from anywhere.hosts.bundle import load

    saved = load(spec).get("settings", {})
    own = {
        "regions": settings.regions or tuple(saved.get("regions", ())),
        "features": settings.features or frozenset(saved.get("features", ())),
        "shards": saved.get("shards", settings.shards),
        "dualstack": bool(saved.get("dualstack", settings.dualstack)),
        "fips": bool(saved.get("fips", settings.fips)),
        "accepted_issuers": settings.accepted_issuers or tuple(saved.get("accepted_issuers", ())),
    }
    recording = open_recorded(spec, settings.budget)
    return recording, replace(settings, **own)


def region_of(host: Recording) -> str:
    """Where the host is registered. Raises BadInput when that is nowhere."""
    from anywhere.facts.registration import registration

    region = registration(host).region
    if not region:
        raise BadInput("say which region: --region us-east-1 (this host is not registered anywhere yet)")
    return region


def captured(spec: str) -> str:
    """When a bundle was saved; empty for a live host."""
    if not is_bundle(spec):
        return ""
    from anywhere.hosts.bundle import load

    return str(load(spec).get("captured", ""))


def as_dict(settings: Settings) -> dict[str, object]:
    """The settings as JSON values."""
    values = dataclasses.asdict(settings)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}
