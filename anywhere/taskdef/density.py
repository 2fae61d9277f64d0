"""How many awsvpc tasks an EC2 instance and its subnets hold: interfaces, trunking, addresses.

Sources: "Allocate a network interface for a task" (c5.large: three interfaces, the primary counts) and "Choosing a
network mode" (c5.large with trunking: ten tasks; a /20 has 4,091 addresses; with trunking an instance takes two).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from anywhere.errors import BadInput
from anywhere.frozen import frozen
from anywhere.model import Finding, Remedy, Status, Target

KEPT_BY_AWS = 5


@frozen
class InstanceType:
    """`interfaces` that can be attached, the primary included; `trunked` tasks with trunking (0: not supported or not
    known); `most` a limit of its own (0: none)."""

    name: str
    interfaces: int
    trunked: int = 0
    most: int = 0

    def tasks(self, trunking: bool) -> int:
        """awsvpc tasks that one instance holds."""
        count = self.trunked if trunking and self.trunked else self.interfaces - 1
        return min(count, self.most) if self.most else count

    def is_known(self, trunking: bool) -> bool:
        """Whether that number is known: with trunking it is in no table but for a few types."""
        return not trunking or bool(self.trunked or self.most)


# Only what AWS's pages on task networking name; everything else is given by flags.
KNOWN = {
    "c5.large": InstanceType("c5.large", 3, 10),
    "p5.48xlarge": InstanceType("p5.48xlarge", 2, 0, 1),
}


def addresses(subnets: Sequence[str]) -> int:
    """The addresses that tasks and instances can have in these IPv4 subnets. Raises BadInput."""
    total = 0
    seen: list[ipaddress.IPv4Network] = []
    for text in subnets:
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError:
            raise BadInput(f"{text} is no IPv4 subnet in CIDR form, such as 10.0.0.0/20") from None
        if not 16 <= network.prefixlen <= 28:
            raise BadInput(f"{text}: a VPC's subnets are /16 to /28")
        if any(network.overlaps(other) for other in seen):
            raise BadInput(f"{text} overlaps another subnet of the list")
        seen.append(network)
        total += network.num_addresses - KEPT_BY_AWS
    return total


@frozen
class Plan:
    """So many tasks and instances of a type, in these subnets; 0 and empty for what is not asked."""

    type: InstanceType
    trunking: bool = False
    windows: bool = False
    tasks: int = 0
    instances: int = 0
    subnets: tuple[str, ...] = ()

    @property
    def needed(self) -> int:
        """Instances that the tasks need."""
        each = self.type.tasks(self.trunking)
        return -(-self.tasks // each) if each else 0


def density(plan: Plan) -> Target:
    """The answer as findings of one target."""
    return Target(plan.type.name, "document", findings=tuple(_findings(plan)))


def _findings(plan: Plan) -> Iterator[Finding]:
    if not plan.type.is_known(plan.trunking) and not plan.windows:
        text = "how many awsvpc tasks this type runs with trunking is not known: give --trunked-tasks"
        yield _finding(plan, Status.SKIP, "interfaces", text, "", {"because": text})
        return
    each = plan.type.tasks(plan.trunking)
    facts: dict[str, object] = {
        "note": True,
        "tasks_per_instance": each,
        "interfaces": plan.type.interfaces,
        "trunking": plan.trunking,
    }
    how = "with trunking" if plan.trunking else f"{plan.type.interfaces} interfaces, one of them the instance's own"
    how = "a limit of this type" if plan.type.most and each == plan.type.most else how
    text = f"{_counted(each, 'awsvpc task')} per instance ({how})"
    if plan.windows and plan.trunking:
        yield _finding(
            plan, Status.FAIL, "interfaces", "Windows instances have no trunking", "leave trunking out", facts
        )
        return
    if each < 1:
        advice = "choose a type with more interfaces"
        yield _finding(plan, Status.FAIL, "interfaces", f"no awsvpc task fits: {text}", advice, facts)
        return
    yield from _instances(plan, text, facts)
    if plan.trunking:
        text = "trunking needs the account setting awsvpcTrunking before the instance starts, and agent 1.28.1 or newer"
        yield _finding(plan, Status.SKIP, "trunking", text, "", {"because": "not seen from here"})
    if plan.subnets:
        yield from _addresses(plan)


def _instances(plan: Plan, text: str, facts: dict[str, object]) -> Iterator[Finding]:
    if plan.tasks:
        facts |= {"tasks": plan.tasks, "instances_needed": plan.needed}
        verb = "needs" if plan.tasks == 1 else "need"
        text += f"; {_counted(plan.tasks, 'task')} {verb} {_counted(plan.needed, 'instance')}"
    if plan.tasks and plan.instances and plan.instances < plan.needed:
        text += f", {plan.instances} {'is' if plan.instances == 1 else 'are'} there"
        helps = not (plan.trunking or plan.windows or plan.type.most) and plan.type.trunked != 0
        advice = "add instances, or turn trunking on" if helps else "add instances"
        yield _finding(plan, Status.FAIL, "interfaces", text, advice, facts)
    else:
        yield _finding(plan, Status.PASS, "interfaces", text, "", facts)


def _addresses(plan: Plan) -> Iterator[Finding]:
    has = addresses(plan.subnets)
    own = 2 if plan.trunking else 1
    instances = plan.instances or plan.needed
    wanted = instances * own + plan.tasks
    each = plan.type.tasks(plan.trunking)
    most = has // (own + each)
    facts: dict[str, object] = {
        "note": True,
        "addresses": has,
        "addresses_per_instance": own,
        "addresses_wanted": wanted,
    }
    facts |= {"full_instances": most, "tasks_in_full_instances": most * each}
    text = f"{has:,} addresses in {_subnets(plan)}: {_counted(most, 'full instance')} with {most * each} tasks"
    if wanted:
        counted = f"{_counted(instances, 'instance')} at {own}, {_counted(plan.tasks, 'task')} at 1"
        text += f"; {wanted:,} are needed ({counted})"
    bad = wanted > has
    advice = "add a secondary range to the VPC for tasks, or larger subnets"
    yield _finding(plan, Status.FAIL if bad else Status.PASS, "addresses", text, advice if bad else "", facts)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _subnets(plan: Plan) -> str:
    return f"{len(plan.subnets)} subnets" if len(plan.subnets) > 1 else "one subnet"


def _finding(plan: Plan, status: Status, slug: str, text: str, advice: str, evidence: dict[str, object]) -> Finding:
    remedy = Remedy(advice) if advice else None
    return Finding(f"density.{slug}", status, plan.type.name, text, evidence=evidence, remedy=remedy)
