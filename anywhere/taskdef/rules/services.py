"""Rules on services, task sets and run requests: launch type, scheduling, deployment, ECS Exec, volumes."""

from __future__ import annotations

from collections.abc import Iterator

from anywhere.taskdef.ports import has_fixed_port
from anywhere.taskdef.rule import EC2, EXTERNAL, FARGATE, Case, Edit, Mark, fail, over, put, remove, rule, skip, warn
from anywhere.taskdef.rules import sources
from anywhere.taskdef.rules.deployment import LEAST_DEFAULT, is_described, stops_none, that_stops
from anywhere.taskdef.source.node import Node

LAUNCHES = ("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")
_SPOT = "FARGATE_SPOT"
FARGATE_PROVIDERS = ("FARGATE", _SPOT)


@rule(
    "service.launch-type",
    "launch type of a service or request",
    scope="service",
    meaning="On external instances services and tasks are started with launchType EXTERNAL. Without a launch type ECS "
    "uses the cluster's default strategy or EC2. StartTask and UpdateService have no launch type.",
    fine="asks for this launch type, or has none to ask for",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.CREATE_SERVICE}, field launchType; {sources.MODEL}",
)
def launch_type(case: Case, node: Node) -> Iterator[Mark]:
    launch, wanted = node.at("launchType"), case.launch.upper()
    if not case.takes("launchType"):
        return
    text = launch.text()
    if text and text not in LAUNCHES:
        yield fail(launch, f"{text} is no launch type", f"use {wanted}", put(launch, wanted))
    elif text and text != wanted:
        yield fail(launch, f"asks for {text}, not {wanted}", f"use {wanted}", put(launch, wanted))
    elif not text and not node.at("capacityProviderStrategy").filled and not _is_third_party(node):
        why = "no launch type: ECS uses the cluster's default strategy, or EC2"
        if case.launch == EXTERNAL:
            yield fail(launch, why, "state EXTERNAL", put(launch, "EXTERNAL"))
        elif case.launch == FARGATE:
            yield warn(launch, why, "state FARGATE", put(launch, "FARGATE"))


def _is_third_party(node: Node) -> bool:
    """Whether an external deployment controller keeps the launch type in its task sets."""
    return node.at("deploymentController", "type").text() == "EXTERNAL"


@rule(
    "service.capacity-provider",
    "capacity provider strategy",
    scope="service",
    meaning="External instances have no capacity providers. A strategy and a launch type exclude each other, and a "
    "strategy names at most 20 providers, one of them with a base, one at least with a weight above 0. FARGATE_SPOT runs "
    "Linux tasks.",
    fine="no strategy that the launch type refuses",
    source=f"{sources.EXTERNAL_PAGE}, considerations; {sources.CREATE_SERVICE}, field capacityProviderStrategy; "
    f"{sources.API}, type CapacityProviderStrategyItem; {sources.SEEN}, pf-ecs-svc-capacity-provider-multiple-base and "
    "pf-ecs-svc-capacity-provider-zero-weight",
)
def capacity_provider(case: Case, node: Node) -> Iterator[Mark]:
    strategy, launch = node.at("capacityProviderStrategy"), node.at("launchType")
    if not strategy.filled:
        return
    wanted = case.launch.upper()
    if case.launch == EXTERNAL:
        yield _no_providers(case, strategy, launch)
        return
    if launch.filled:
        text = "a launch type and a capacity provider strategy exclude each other"
        yield fail(strategy, text, "keep one of them", remove(strategy))
        return
    names = [item.at("capacityProvider").text() for item in strategy.each()]
    if len(names) > 20:
        yield fail(strategy, f"{len(names)} capacity providers, and a strategy takes 20", "name fewer")
    yield from over([strategy], _weights, quiet=True)
    other = [name for name in names if (name in FARGATE_PROVIDERS) != (case.launch == FARGATE)]
    if other and (case.launch == EC2 or set(names) & set(FARGATE_PROVIDERS)):
        yield fail(strategy, f"{other[0]} does not start tasks on {wanted}", "name providers of this launch type")
    if _SPOT in names and case.definition is not None:
        yield from over([strategy], lambda strategy: _on_spot(case, strategy), quiet=True)


def _on_spot(case: Case, strategy: Node) -> Iterator[Mark]:
    if case.windows:
        text = f"{_SPOT} runs Linux tasks, and these containers are of Windows"
        yield fail(strategy, text, "use FARGATE")


def _weights(strategy: Node) -> Iterator[Mark]:
    items = list(strategy.each())
    bases = [item for item in items if item.at("base").number()]
    for item in bases[1:]:
        text = "a second capacity provider with a base: ECS takes one"
        yield fail(item.at("base"), text, "keep one", remove(item.at("base")))
    if len(items) > 1 and not any(item.at("weight").number() for item in items):
        text = "no capacity provider has a weight above 0: ECS refuses the strategy"
        yield fail(strategy, text, "give one of them a weight of 1 or more")


def _no_providers(case: Case, strategy: Node, launch: Node) -> Mark:
    text = "external instances have no capacity providers"
    if not case.takes("launchType"):
        return fail(strategy, text, "take it out", remove(strategy))
    edits: list[Edit] = [remove(strategy)] + ([] if launch.filled else [put(launch, "EXTERNAL")])
    return fail(strategy, text, "use launchType EXTERNAL instead", *edits)


@rule(
    "service.platform-version",
    "Fargate platform version",
    scope="service",
    meaning="Only Fargate has platform versions. Linux 1.3.0 and older have no EFS, no IPv6, no jumbo frames and no "
    "sized ephemeral storage, and fetch ECR logins and secrets over an interface of Fargate's own that flow logs do "
    "not "
    "show; since 1.4.0 (Windows 1.0.0) all traffic is on the task's interface.",
    fine="the platform version has what the task needs",
    source=f"{sources.FARGATE_PAGE}, table of traffic; {sources.CREATE_SERVICE}, field platformVersion",
)
def platform_version(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("platformVersion")
    text = field.text()
    if not text:
        return
    if case.launch != FARGATE:
        yield fail(field, "only Fargate has platform versions", "take it out", remove(field))
        return
    if text == "LATEST":
        return
    version = version_of(text)
    if version is None:
        yield fail(field, f"{text} is no platform version", "use LATEST", put(field, "LATEST"))
        return
    if case.definition is None:
        yield skip(field, f"what {text} lacks depends on the task definition, which is not here")
        return
    if not case.windows and version < (1, 4, 0):
        yield from _old_platform(case, field, text)


def version_of(text: str) -> tuple[int, ...] | None:
    """The numbers of a platform version; None for what is none."""
    parts = text.split(".")
    return tuple(map(int, parts)) if len(parts) == 3 and all(p.isdecimal() and len(p) < 5 for p in parts) else None


def _old_platform(case: Case, field: Node, text: str) -> Iterator[Mark]:
    latest, fix = "use 1.4.0 or LATEST", put(field, "LATEST")
    if any(volume.at("efsVolumeConfiguration").present for volume in case.volumes):
        yield fail(field, f"platform {text} has no EFS, and the task mounts it", latest, fix)
    if case.node.at("ephemeralStorage").present:
        yield fail(field, f"platform {text} cannot size ephemeral storage", latest, fix)
    if case.node.at("pidMode").filled:
        yield fail(field, f"platform {text} has no shared process namespace", latest, fix)
    if any(item.at("linuxParameters", "capabilities", "add").filled for item in case.containers):
        yield fail(field, f"platform {text} adds no capability", latest, fix)
    why = (
        f"platform {text}: no IPv6 and no jumbo frames; ECR logins and secrets go over an interface of Fargate's own, "
        "past your flow logs and endpoints"
    )
    yield warn(field, why, latest, fix)


@rule(
    "service.deployment-controller",
    "deployment controller",
    scope="service",
    meaning="The deployment controller EXTERNAL hands deployments to a third party and has nothing to do with the "
    "launch type EXTERNAL: such a service has no task definition and no load balancer of its own. CODE_DEPLOY needs a load "
    "balancer, which external instances do not have.",
    fine="a controller that goes with the launch type",
    source=f"{sources.CREATE_SERVICE}, field deploymentController; hashicorp/terraform-provider-aws#32562; {sources.SEEN}, "
    "pf-ecs-svc-external-with-taskdef, pf-ecs-svc-external-with-load-balancers and pf-ecs-service-codedeploy-lb",
)
def deployment_controller(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("deploymentController", "type")
    text = field.text()
    if text not in ("", "ECS", "CODE_DEPLOY", "EXTERNAL"):
        yield fail(field, f"{text} is no deployment controller", "use ECS", put(field, "ECS"))
    elif text == "EXTERNAL" and case.takes("launchType") and not is_described(node) and (own := _own(node)):
        why = f"the deployment controller EXTERNAL is not the launch type EXTERNAL: with it ECS refuses {own}"
        yield fail(field, why, "use ECS unless another tool makes your task sets", put(field, "ECS"))
    elif text == "EXTERNAL" and case.launch == EXTERNAL:
        why = "the deployment controller EXTERNAL is not the launch type EXTERNAL: it hands deployments to another tool"
        yield warn(field, why, "use ECS unless another tool makes your task sets", put(field, "ECS"))
    elif text == "CODE_DEPLOY" and case.launch == EXTERNAL:
        why = "CODE_DEPLOY needs a load balancer, and external instances have none"
        yield fail(field, why, "use ECS", put(field, "ECS"))
    elif text == "CODE_DEPLOY" and case.takes("launchType") and not node.at("loadBalancers").filled:
        why = "CODE_DEPLOY needs an Application or Network Load Balancer, and the service has none"
        yield fail(field, why, "use ECS, or name a target group", put(field, "ECS"))


def _own(node: Node) -> str:
    """The first of the fields that task sets have in the place of such a service."""
    return next((name for name in ("taskDefinition", "loadBalancers") if node.at(name).filled), "")


@rule(
    "service.daemon",
    "daemon scheduling",
    scope="service",
    meaning="DAEMON places one task on every instance. Fargate and the controllers CODE_DEPLOY and EXTERNAL refuse it. It "
    "takes no desired count, no capacity provider strategy and no maximumPercent above 100; with minimumHealthyPercent 100 no "
    "update can stop a task, and none can be added. "
    "For external instances the API text allows it and users run it, while cfn-lint and a request to AWS say that it "
    "is refused.",
    fine="a scheduling strategy that the launch type has",
    source=f"{sources.CREATE_SERVICE}, field schedulingStrategy; aws/aws-cdk#32538; aws/containers-roadmap#2395; "
    f"cfn-lint E3044; {sources.SEEN}, pf-ecs-service-daemon-desired-count and pf-ecs-svc-daemon-max-percent; "
    "aws/containers-roadmap#692; terraform-aws-modules/terraform-aws-ecs#391",
)
def daemon(case: Case, node: Node) -> Iterator[Mark]:
    field, controller = node.at("schedulingStrategy"), node.at("deploymentController", "type").text()
    text = field.text()
    replica = put(field, "REPLICA")
    if text not in ("", "REPLICA", "DAEMON"):
        yield fail(field, f"{text} is no scheduling strategy", "use REPLICA or DAEMON", replica)
    elif text == "DAEMON" and case.launch == FARGATE:
        yield fail(field, "Fargate has no daemons", "use REPLICA", replica)
    elif text == "DAEMON" and controller in ("CODE_DEPLOY", "EXTERNAL"):
        why = f"the deployment controller {controller} has no daemons"
        yield fail(field, why, "use the controller ECS, or REPLICA", replica)
    elif text == "DAEMON" and case.launch == EXTERNAL and not is_described(node):
        why = "sources disagree on daemons on external instances: the API allows them, others say they are refused"
        yield warn(field, why, "works for those who tried; or REPLICA with the constraint distinctInstance", replica)
    if text == "DAEMON" and case.launch != FARGATE and controller in ("", "ECS"):
        yield from over([node], lambda service: _of_daemon(case, service), quiet=True)


def _of_daemon(case: Case, node: Node) -> Iterator[Mark]:
    """What ECS refuses beside DAEMON. Terraform leaves the count and the upper limit of a daemon out by itself, and ECS shows
    a count of its own."""
    count, settings = node.at("desiredCount"), node.at("deploymentConfiguration")
    is_written = case.takes("launchType") and case.is_written and not is_described(node)
    if is_written and count.present:
        yield fail(count, "DAEMON takes no desired count: ECS refuses one", "take it out", remove(count))
    most, least = settings.at("maximumPercent"), settings.at("minimumHealthyPercent")
    if is_written and (most.number() or 0) > 100:
        yield fail(most, f"maximumPercent is {most.text()}, and DAEMON takes 100", "use 100", put(most, 100))
    if case.is_written and least.number() == 100:
        text = "with minimumHealthyPercent 100 no update stops a task, and DAEMON adds none: it never ends"
        yield warn(least, text, "lower it, to 0 for clusters of one instance", put(least, 0))
    strategy = node.at("capacityProviderStrategy")
    if strategy.filled and case.launch == EC2:
        text = "DAEMON takes no capacity provider strategy"
        yield fail(strategy, text, "use launchType EC2", remove(strategy), put(node.at("launchType"), "EC2"))


@rule(
    "service.host-port-count",
    "fixed ports and the number of hosts",
    scope="service",
    launch=(EXTERNAL, EC2),
    meaning="Tasks that take the same fixed host port need a host each: with more tasks than hosts the rest stays "
    "pending, and with as many a rolling update finds no free host. BLUE_GREEN runs both revisions at once, so it needs "
    "twice as many.",
    fine="as many hosts as fixed ports need, or none fixed",
    source=f"{sources.MODES_PAGE}; {sources.API}, type DeploymentConfiguration, field strategy",
)
def host_port_count(case: Case, node: Node) -> Iterator[Mark]:
    field = node.at("count" if node.at("count").present else "desiredCount")
    wanted = field.number() or 0
    at_once = wanted * 2 if node.at("deploymentConfiguration", "strategy").text() == "BLUE_GREEN" else wanted
    if node.at("schedulingStrategy").text() == "DAEMON" or wanted < 1 or (at_once == 1 and case.hosts != 1):
        return
    fixed = has_fixed_port(case) if case.definition else None
    if fixed is None:
        yield skip(field, "whether the task takes a fixed host port is not known here")
    elif fixed and not case.hosts:
        tasks = f"{wanted} tasks" if at_once == wanted else f"BLUE_GREEN with {wanted} + {wanted} tasks"
        yield warn(field, f"a fixed host port and {tasks} need {at_once} hosts", "have them, or use dynamic ports")
    elif fixed and wanted > case.hosts:
        why = f"a fixed host port, {wanted} tasks, {case.hosts} hosts: {wanted - case.hosts} never start"
        yield fail(field, why, "add hosts, lower the count, or use dynamic ports")
    elif fixed and at_once > case.hosts:
        why = (
            f"a fixed host port, {case.hosts} hosts: BLUE_GREEN runs {wanted} + {wanted} tasks, so an update never ends"
        )
        yield warn(field, why, "add hosts, use ROLLING, or use dynamic ports")
    elif fixed and wanted == case.hosts and not node.at("count").present and _keeps_all(node, wanted):
        why = "as many tasks as hosts: a rolling update finds no host with the port free"
        advice = f"set minimumHealthyPercent to {that_stops(wanted)}, or use dynamic ports"
        yield warn(field, why, advice)


def _keeps_all(node: Node, wanted: int) -> bool:
    """Whether an update may stop none of the tasks before it has started a new one."""
    least = node.at("deploymentConfiguration", "minimumHealthyPercent").number()
    return stops_none(LEAST_DEFAULT if least is None else least, wanted)


@rule(
    "service.exec",
    "ECS Exec and the task role",
    scope="service",
    meaning="ECS Exec works on external instances; the task needs a role that may open ssmmessages channels, and a network. "
    "Agents on Windows Server 2016 do not have it.",
    fine="ECS Exec has a task role, or is off",
    source=f"{sources.RUN_TASK}, field enableExecuteCommand; {sources.EXTERNAL_PAGE}, considerations; amazon-ecs-agent, "
    "agent/app/agent_capability_windows.go, defaultIsPlatformExecSupported",
)
def exec_role(case: Case, node: Node) -> Iterator[Mark]:
    switch = node.at("enableExecuteCommand")
    if not switch.flag():
        return
    has_role = node.at("overrides", "taskRoleArn").filled
    if case.definition is None and not has_role:
        yield skip(switch, "ECS Exec needs a task role, and the task definition is not here")
    elif not has_role and not case.node.at("taskRoleArn").filled:
        advice = "give the definition a task role with the four ssmmessages actions"
        yield fail(switch, "ECS Exec needs a task role, and the definition has none", advice, remove(switch))
    if case.definition is not None and case.launch in (EXTERNAL, EC2):
        yield from over([switch], lambda switch: _exec_on_host(case, switch), quiet=True)


def _exec_on_host(case: Case, switch: Node) -> Iterator[Mark]:
    family = case.node.at("runtimePlatform", "operatingSystemFamily").text()
    if case.mode == "none":
        text = "ECS Exec needs a network, and the definition has the network mode none"
        yield fail(switch, text, "use bridge or host, or do without ECS Exec", remove(switch))
    elif family.startswith("WINDOWS_SERVER_2016"):
        text = "agents on Windows Server 2016 do not have ECS Exec"
        yield fail(switch, text, "use Windows Server 2019 or newer, or do without ECS Exec", remove(switch))


@rule(
    "service.volume",
    "volumes made at launch",
    scope="service",
    launch=(EXTERNAL,),
    meaning="`volumeConfigurations` attaches EBS volumes, which external instances do not have.",
    fine="no EBS volume asked for",
    source=sources.AGENT_CAPABILITY,
)
def volume(case: Case, node: Node) -> Iterator[Mark]:
    volumes = node.at("volumeConfigurations")
    if volumes.filled:
        why = "external instances have no EBS volumes"
        yield fail(volumes, why, "take them out, and bind a path of the host", remove(volumes))
