"""A site's own endpoints: a registry, mirrors, and what the agents' settings put in the place of a regional name."""

from __future__ import annotations

import json

from tests.region.faults import fault, variation
from tests.region.faults.path.alike import answer, spare
from tests.region.faults.path.egress import to
from tests.region.software import docker_of, register
from tests.region.world import Certificate, World

REGISTRY = "registry.dc1.example.com"
OWN_CA = Certificate(issuer="Example Industries", common_name="Example Industries Root", names=(REGISTRY,))
NAMED = ("--endpoint", f"https://{REGISTRY}/v2/", "--as", "docker")
BLOCKED = "egress.endpoint-blocked"


def registry(world: World, **manner: object) -> str:
    """The site's registry, with a certificate of the site's own CA; its address."""
    address = spare(world, 4)
    answer(world, REGISTRY, address)
    world.certificates["registry"] = OWN_CA
    world.behave("kms", certificate="registry", **manner)
    return address


def daemon_settings(world: World, **values: object) -> None:
    """Docker with this daemon.json."""
    docker_of(world)
    world.host.files["/etc/docker/daemon.json"] = json.dumps({name.replace("_", "-"): v for name, v in values.items()})


@fault("registry-untrusted", "the site's own registry has a certificate that docker does not trust",
       "tls.component-untrusted", arguments=NAMED)  # fmt: skip
def registry_untrusted(world: World) -> None:
    docker_of(world)
    registry(world)


@fault("registry-dropped", "packets to the site's own registry are lost", BLOCKED, arguments=NAMED)
def registry_dropped(world: World) -> None:
    docker_of(world)
    world.router.block(f"ip daddr {registry(world)} tcp dport 443")


@fault("registry-unknown", "nobody knows the name of the site's own registry", "dns.names-hidden", arguments=NAMED)
def registry_unknown(world: World) -> None:
    docker_of(world)


@fault("mirror-dropped", "packets to the mirror that daemon.json names are lost", BLOCKED)
def mirror_dropped(world: World) -> None:
    daemon_settings(world, registry_mirrors=[f"https://{REGISTRY}"], insecure_registries=[REGISTRY])
    world.router.block(f"ip daddr {registry(world)}")


@fault("mirror-untrusted", "docker does not trust the certificate of its mirror", "tls.component-untrusted")
def mirror_untrusted(world: World) -> None:
    daemon_settings(world, registry_mirrors=[f"https://{REGISTRY}"])
    registry(world)


@fault("backend-host-dropped", "ECS_BACKEND_HOST names an endpoint whose packets are lost", BLOCKED)
def backend_host_dropped(world: World) -> None:
    register(world)
    world.router.block(to(world.addresses(backend_host(world))))


def backend_host(world: World) -> str:
    """ecs.config sends the agent to another name of ECS."""
    name = f"ecs.{world.options.regions[0]}.{world.options.suffixes(world.options.regions[0])[1]}"
    text = world.host.files["/etc/ecs/ecs.config"]
    world.host.files["/etc/ecs/ecs.config"] = f"{text}ECS_BACKEND_HOST=https://{name}\n"
    return name


@fault("ssm-endpoint-dropped", "the SSM agent's settings name an endpoint whose packets are lost", BLOCKED)
def ssm_endpoint_dropped(world: World) -> None:
    register(world)
    world.router.block(to(world.addresses(ssm_endpoint(world))))


def ssm_endpoint(world: World) -> str:
    """The SSM agent's settings send it to another name of Systems Manager."""
    name = f"ssm.{world.options.regions[0]}.{world.options.suffixes(world.options.regions[0])[1]}"
    text = json.dumps({"Profile": {"ShareCreds": True}, "ssm": {"Endpoint": name}})
    world.host.files["/etc/amazon/ssm/amazon-ssm-agent.json"] = text
    return name


def agent_setting(world: World, line: str) -> None:
    """A line of ecs.config on a registered host."""
    register(world)
    world.host.files["/etc/ecs/ecs.config"] = f"{world.host.files['/etc/ecs/ecs.config']}{line}\n"


@fault("endpoint-url-left", "ecs.config sends the agent to an emulator of AWS on this host that does not run",
       "config.invalid")  # fmt: skip
def endpoint_url_left(world: World) -> None:
    agent_setting(world, "AWS_ENDPOINT_URL=http://localhost:4566")


@fault("fips-name-unknown", "ecs.config asks for FIPS endpoints in a region that has none of ECS", "config.invalid",
       regions=("eu-west-1",))  # fmt: skip
def fips_unknown(world: World) -> None:
    agent_setting(world, "AWS_USE_FIPS_ENDPOINT=true")


@variation("endpoint-url-ecs", "ecs.config names another endpoint for ECS, and the regional name is dropped")
def endpoint_url_alone(world: World) -> None:
    name = f"ecs.{world.options.regions[0]}.{world.options.suffixes(world.options.regions[0])[1]}"
    agent_setting(world, f"AWS_ENDPOINT_URL_ECS=https://{name}")
    world.router.block(to(world.addresses("ecs")))


@variation("registry-certs-d", "docker has the CA of the site's own registry in certs.d", arguments=NAMED)
def registry_certs_d(world: World) -> None:
    docker_of(world)
    registry(world)
    world.host.bundles[f"/etc/docker/certs.d/{REGISTRY}/ca.crt"] = ["registry"]


@variation("mirror-insecure", "docker's mirror is called insecure, and its certificate is the site's own")
def mirror_insecure(world: World) -> None:
    daemon_settings(world, registry_mirrors=[f"https://{REGISTRY}"], insecure_registries=["10.0.0.0/8", REGISTRY])
    registry(world)


@variation("mirror-of-containerd", "containerd's hosts.toml names a mirror and its CA")
def mirror_of_containerd(world: World) -> None:
    docker_of(world)
    registry(world)
    folder = "/etc/containerd/certs.d/docker.io"
    world.host.bundles[f"{folder}/ca.crt"] = ["registry"]
    world.host.files[f"{folder}/hosts.toml"] = (
        f'server = "https://docker.io"\n[host."https://{REGISTRY}"]\n  capabilities = ["pull"]\n  ca = "{folder}/ca.crt"\n'
    )


@variation("backend-host", "ECS_BACKEND_HOST names another endpoint, and the regional name is dropped")
def backend_host_alone(world: World) -> None:
    register(world)
    backend_host(world)
    world.router.block(to(world.addresses("ecs")))


@variation("ssm-endpoint", "the SSM agent's settings name another endpoint, and the regional name is dropped")
def ssm_endpoint_alone(world: World) -> None:
    register(world)
    ssm_endpoint(world)
    world.router.block(to(world.addresses("ssm")))
