"""`anywhere taskdef`: check task definitions, place them on hosts, convert them, weigh network modes and density."""

from __future__ import annotations

import typer

from anywhere.cli.helping import Grouped, group
from anywhere.cli.hosts import with_hosts
from anywhere.errors import BadInput
from anywhere.flows.hosts import Hosts
from anywhere.report import FORMATS

HELP = "Check task definitions, place them on hosts, convert them, weigh network modes and density."
app = group(HELP)

LAUNCHES = ("external", "ec2", "fargate", "managed-instances", "declared")
FILES = typer.Argument(help="Files, folders, patterns, or - for standard input.")
LAUNCH = typer.Option(
    "external",
    help="external, ec2, fargate, managed-instances, or declared: the one that each definition or service names.",
)
OS = typer.Option("", help="linux or windows, where the definition does not say.")
FORMAT = typer.Option("table", help=f"One of {', '.join(FORMATS)}.")
OUTPUT = typer.Option("", help="Write the result to a file.")


@app.command(
    cls=Grouped,
    short_help="Check definitions, services and run requests.",
    epilog="\b\nExamples:\n  anywhere taskdef check task.json\n"
    "  anywhere taskdef check infra/ --ignore-others --format sarif --output anywhere.sarif\n"
    "  terraform show -json plan | anywhere taskdef check -\n",
)
def check(
    files: list[str] = FILES,
    launch_type: str = LAUNCH,
    os: str = OS,
    host_count: int = typer.Option(
        0, min=0, show_default=False, help="Number of hosts, for services with fixed ports."
    ),
    only: list[str] = typer.Option([], help="Run this rule only, such as taskdef.network-mode."),
    skip: list[str] = typer.Option([], help="Skip this rule."),
    demote: list[str] = typer.Option([], help="Let this rule warn where it would fail."),
    ignore_others: bool = typer.Option(False, help="Pass over files that have nothing to do with ECS."),
    format: str = FORMAT,
    output: str = OUTPUT,
    strict: bool = typer.Option(False, help="Exit 1 for warnings too."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Write to SARIF what could not be checked, too."),
) -> int:
    """Check definitions, services and run requests: ECS JSON, CloudFormation, CDK output, Terraform plans.

    Exit codes: 0 ready, 1 not ready, 2 something could not be read, 3 not checked completely.
    """
    from anywhere.cli.taskdef.check import Selection, judge_files
    from anywhere.taskdef.judge import Options

    options = Options(_one_of("launch type", launch_type, LAUNCHES), _system(os), host_count)
    selection = Selection(_words(only), _words(skip), _words(demote))
    return judge_files(files, options, selection, ignore_others, format, output, strict, verbose)


@app.command(
    "fit",
    cls=Grouped,
    short_help="Say whether so many tasks fit on these hosts.",
    epilog="\b\nExamples:\n  anywhere taskdef fit task.json --count 3 --host admin@10.0.0.7 --host admin@10.0.0.8\n"
    "  anywhere taskdef fit task.json --host bundles/ --no-reach\n",
)
@with_hosts
def fit_(
    hosts: Hosts,
    files: list[str] = FILES,
    instance: list[str] = typer.Option(
        [], help="A file of `aws ecs describe-container-instances` in place of a host.", metavar="FILE"
    ),
    count: list[str] = typer.Option(
        [], help="Number of tasks of each definition, or NAME=N. Default: the desired count of the services."
    ),
    os: str = OS,
    region: str = typer.Option("", help="Region of logs and secrets where the definition does not say."),
    reach: bool = typer.Option(True, help="Probe what images, logs and secrets need, from every host."),
    budget: float = typer.Option(10.0, help="Seconds for each host."),
    as_registered: bool = typer.Option(
        False, help="Count hosts without docker, agent or registration as if they had them."
    ),
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Say whether so many tasks fit on these hosts, where each goes, and what the rest lacks. Nothing is changed.

    Exit codes: 0 all fit, 1 some do not, 2 something could not be read, 3 a host could not be asked.
    """
    from anywhere.cli.taskdef.fit import Request, run

    # A shell makes several words of `--host DIR/*.json.gz`.
    hosts = hosts.also([path for path in files if path.endswith(".json.gz")])
    files = [path for path in files if not path.endswith(".json.gz")]
    request = Request(hosts, tuple(instance), tuple(count), _system(os), region, reach, budget, as_registered)
    return run(files, request, format, output)


@app.command(
    cls=Grouped,
    short_help="Write the definition for external instances.",
    epilog="\b\nExamples:\n  anywhere taskdef convert task.json --output external.json\n"
    "  anywhere taskdef convert stack.yaml --resource Task > external.yaml\n",
)
def convert(
    files: list[str] = FILES,
    to: str = typer.Option("external", help="The launch type to convert to: external.", metavar="TYPE"),
    name: str = typer.Option(
        "", "--resource", "--name", help="Which definition, where the document has several: logical id or family."
    ),
    bare: bool = typer.Option(False, help="Write a template's definition alone, by the names of the ECS API."),
    family: str = typer.Option("", help="The family to give the definition, for example web."),
    network_mode: str = typer.Option("bridge", help="What awsvpc becomes on Linux: bridge or host."),
    execution_role: str = typer.Option("", help="The execution role (ARN) to use where one is missing."),
    os: str = OS,
    changes: str = typer.Option("", help="Write the list of changes to a file, as JSON."),
    output: str = typer.Option("", help="Write the definition to a file in place of standard output."),
) -> int:
    """Write the definition for external instances to standard output, and what was changed to standard error.

    A template keeps its notation, comments and other resources: only this resource changes.
    Exit codes: 0 the result passes the check, 1 something is left that fails, 2 usage.
    """
    from anywhere.cli.taskdef.convert import Wanted, convert_file

    _one_of("launch type", to, ("external",))
    _one_of("network mode", network_mode, ("bridge", "host"))
    if len(files) != 1:
        raise BadInput(f"convert takes one file, not {len(files)}")
    wanted = Wanted(name, network_mode, execution_role, family, _system(os), bare)
    return convert_file(files[0], wanted, changes, output)


@app.command("explain-mode", cls=Grouped)
def explain_mode(
    files: list[str] = FILES, launch_type: str = LAUNCH, os: str = OS, format: str = FORMAT, output: str = OUTPUT
) -> int:
    """Say what each network mode would mean for each definition. Advice, not a verdict: exit code 0."""
    from anywhere.cli.taskdef.check import advise_files

    launch = _one_of("launch type", launch_type, LAUNCHES[:3])
    return advise_files(files, launch, _system(os), format, output)


@app.command(cls=Grouped, short_help="Say how many awsvpc tasks EC2 instances hold.")
def density(
    instance_type: str = typer.Option("", help="EC2 instance type; c5.large and p5.48xlarge are known."),
    interfaces: int = typer.Option(0, min=0, max=1000, help="Network interfaces of the type, its primary included."),
    trunked_tasks: int = typer.Option(0, min=0, max=10000, help="awsvpc tasks of the type with trunking."),
    trunking: bool = typer.Option(False, help="The account setting awsvpcTrunking is on."),
    windows: bool = typer.Option(False, help="Windows instances."),
    tasks: int = typer.Option(0, min=0, help="How many awsvpc tasks to run."),
    instances: int = typer.Option(0, min=0, help="How many instances there are."),
    subnet: list[str] = typer.Option([], help="A subnet in CIDR form; may be given more than once."),
    format: str = FORMAT,
    output: str = OUTPUT,
) -> int:
    """Say how many awsvpc tasks EC2 instances and their subnets hold."""
    from anywhere.cli.taskdef.check import show_targets
    from anywhere.taskdef.density import KNOWN, InstanceType, Plan, addresses
    from anywhere.taskdef.density import density as judge

    known = KNOWN.get(instance_type)
    if known is None and not interfaces:
        missing = f"{instance_type} is not in the table: give --interfaces"
        raise BadInput(missing if instance_type else "give --instance-type, or --interfaces of another type")
    base = known or InstanceType(instance_type or "instance", interfaces)
    kind = InstanceType(base.name, interfaces or base.interfaces, trunked_tasks or base.trunked, base.most)
    addresses(subnet)
    return show_targets([judge(Plan(kind, trunking, windows, tasks, instances, tuple(subnet)))], format, output)


def _one_of(kind: str, word: str, allowed: tuple[str, ...]) -> str:
    BadInput.require(kind, word, allowed)
    return word


def _system(word: str) -> str:
    return _one_of("operating system", word, ("linux", "windows")) if word else ""


def _words(values: list[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in value.replace(",", " ").split())
