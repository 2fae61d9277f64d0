"""What the ECS agent's AWS SDK reads by itself from ecs.config."""

from __future__ import annotations

from tests.region.faults import fault, variation
from tests.region.faults.agents.words import USER_CONFIG, looping, set_line
from tests.region.faults.path.egress import to
from tests.region.software import register
from tests.region.world import World

CODE = "config.invalid"


@fault("sdk-ca-bundle", "ecs.config names a CA bundle for the AWS SDK, with which the agent makes no client", CODE)
def sdk_ca_bundle(world: World) -> None:
    looping(world)
    set_line(world, USER_CONFIG, "AWS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")


@fault("sdk-fips-word", "ecs.config switches FIPS endpoints on with a 1, which the AWS SDK does not know", CODE)
def sdk_fips_word(world: World) -> None:
    looping(world)
    set_line(world, USER_CONFIG, "AWS_USE_FIPS_ENDPOINT", "1")


@fault("sdk-fips-nowhere", "ecs.config asks for FIPS endpoints in a region without one of ECS", CODE,
       regions=("eu-west-1",))  # fmt: skip
def sdk_fips_nowhere(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "AWS_USE_FIPS_ENDPOINT", "true")


@fault("sdk-dualstack-dropped", "ecs.config asks for dual-stack endpoints, whose packets are lost",
       "egress.endpoint-blocked")  # fmt: skip
def sdk_dualstack_dropped(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "AWS_USE_DUALSTACK_ENDPOINT", "true")
    world.router.block(to(world.addresses(dualstack(world))))


@variation("sdk-dualstack", "ecs.config asks for dual-stack endpoints, and the plain name is dropped")
def sdk_dualstack(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "AWS_USE_DUALSTACK_ENDPOINT", "TRUE")
    world.router.block(to(world.addresses("ecs")))


@variation("sdk-endpoint", "ecs.config names the endpoint of ECS for the AWS SDK, and the plain name is dropped")
def sdk_endpoint(world: World) -> None:
    register(world)
    set_line(world, USER_CONFIG, "AWS_ENDPOINT_URL_ECS", f"https://{dualstack(world)}")
    set_line(world, USER_CONFIG, "AWS_USE_FIPS_ENDPOINT", "false")
    world.router.block(to(world.addresses("ecs")))


def dualstack(world: World) -> str:
    """The other name of ECS."""
    region = world.options.regions[0]
    return f"ecs.{region}.{world.options.suffixes(region)[1]}"
