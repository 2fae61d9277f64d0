"""The region of a run where no option names one, and where it was found."""

from __future__ import annotations

import os
from collections.abc import Mapping

from anywhere.catalogue.regions import is_region
from anywhere.errors import BadInput
from anywhere.facts.agents.ecs_config import ecs_config
from anywhere.facts.agents.registration import registration
from anywhere.facts.files import read_text
from anywhere.hosts.recording import Recording

VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
HINT = "no region: give one with --region us-east-1, or set AWS_REGION (this host is not registered yet)"


def region_of(host: Recording, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The region and its source: the environment (of a live host's caller), ecs.config, the registration, the AWS
    configuration of the host. Raises BadInput where there is none."""
    for name in VARIABLES:
        if is_region(environment.get(name, "")):
            return environment[name], name
    config = ecs_config(host)
    region = config.agent.get("AWS_DEFAULT_REGION", "")
    if is_region(region):
        return region, config.sources.get("AWS_DEFAULT_REGION", "ecs.config")
    if found := registration(host).region:
        return found, "the SSM registration"
    for path in ("/root/.aws/config", f"{environment.get('HOME', '')}/.aws/config"):
        if path.startswith("/") and is_region(region := _configured(read_text(host, path).content)):
            return region, path
    for name in VARIABLES:
        if environment.get(name, ""):
            raise BadInput(
                f"{name}={environment[name][:40]} is no known region: set it to one, or give --region us-east-1"
            )
    raise BadInput(HINT)


def _configured(text: str) -> str:
    import configparser  # only where the region is found nowhere else

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return ""
    return parser.get("default", "region", fallback="").strip()
