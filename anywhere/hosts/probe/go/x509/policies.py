"""Certificate policies along a chain: whether one that a CA demands is held all the way down.

Source: Go crypto/x509 verify.go (policiesValid, policyGraph), after RFC 5280 6.1 as RFC 9618 changed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from anywhere.hosts.probe.go.x509.certificate import Certificate

ANY = b"\x55\x1d\x20\x00"  # 2.5.29.32.0


@dataclass(eq=False, slots=True)
class _Node:
    """A policy that is valid at one depth, under which names the next depth has it, and what stands above and below."""

    policy: bytes
    expected: list[bytes]
    parents: set[_Node] = field(default_factory=set)
    children: set[_Node] = field(default_factory=set)

    @classmethod
    def under(cls, policy: bytes, parents: Iterable[_Node]) -> _Node:
        node = cls(policy, [policy], set(parents))
        for parent in node.parents:
            parent.children.add(node)
        return node


class _Graph:
    def __init__(self) -> None:
        self.strata: list[dict[bytes, _Node]] = [{ANY: _Node(ANY, [ANY])}]

    @property
    def leaves(self) -> dict[bytes, _Node]:
        return self.strata[-1]

    def deepen(self, policies: Sequence[bytes], any_counts: bool) -> None:
        """One certificate further down, with its policies (6.1.3 d)."""
        above = self.strata[-1]
        self.strata.append({})
        for policy in policies:
            parents = [node for node in above.values() if policy in node.expected] or [
                node for name, node in above.items() if name == ANY
            ]
            if policy != ANY and parents:
                self.leaves[policy] = _Node.under(policy, parents)
        if ANY in policies and any_counts:
            missing: dict[bytes, list[_Node]] = {}
            for node in above.values():
                for expected in node.expected:
                    if expected not in self.leaves:
                        missing.setdefault(expected, []).append(node)
            self.leaves.update({policy: _Node.under(policy, parents) for policy, parents in missing.items()})
        self.prune()

    def prune(self) -> None:
        """Take away what leads nowhere, from the lowest depth but one up."""
        for stratum in reversed(self.strata[1:-1]):
            for policy, node in list(stratum.items()):
                if not node.children:
                    self._drop(stratum, policy)

    def delete(self, policy: bytes) -> None:
        """Take a policy away from the lowest depth."""
        if policy in self.leaves:
            self._drop(self.leaves, policy)
            self.prune()

    @staticmethod
    def _drop(stratum: dict[bytes, _Node], policy: bytes) -> None:
        node = stratum.pop(policy)
        for parent in node.parents:
            parent.children.discard(node)

    def map(self, issuer: bytes, subjects: list[bytes]) -> None:
        """A policy that goes on under other names (6.1.4 b)."""
        if issuer in self.leaves:
            self.leaves[issuer].expected = subjects
        elif ANY in self.leaves:
            node = _Node.under(issuer, [self.leaves[ANY]])
            node.expected = subjects
            self.leaves[issuer] = node

    def holds(self) -> bool:
        """Whether any policy is valid at the end (6.1.5 g)."""
        under_any = (
            node.policy != ANY and [parent.policy for parent in node.parents] == [ANY]
            for stratum in self.strata
            for node in stratum.values()
        )
        return ANY in self.leaves or any(under_any)


@dataclass(slots=True)
class _Limits:
    """After how many further certificates a rule begins to hold."""

    explicit: int
    mapping: int
    any_policy: int

    def pass_on(self, one: Certificate) -> None:
        """What a CA's certificate leaves to those below it (6.1.4 h to j)."""
        own = one.extensions.policy_limits
        for name, given in (("explicit", own[0]), ("mapping", own[1]), ("any_policy", own[2])):
            left = getattr(self, name)
            left -= bool(left) and one.issuer != one.subject
            setattr(self, name, given if 0 <= given < left else left)


def are_held(chain: Sequence[Certificate]) -> bool:
    """Whether the chain, the leaf first and the root last, holds the policies that its CAs demand."""
    below = chain[:-1]
    count = len(below)
    limits, graph = _Limits(count + 1, count + 1, count + 1), _Graph()
    known = True
    for at in reversed(range(count)):
        one = chain[at]
        known = known and bool(one.extensions.policies)
        if not known and not limits.explicit:
            return False
        if known:
            own = at > 0 and one.issuer == one.subject
            graph.deepen(one.extensions.policies, limits.any_policy > 0 or own)
            if at and not _map(graph, one, limits.mapping > 0):
                return False
        if at:
            limits.pass_on(one)
    explicit = max(limits.explicit - 1, 0) if chain[0].extensions.policy_limits[0] else 0
    return count == 0 or explicit > 0 or (known and graph.holds())


def _map(graph: _Graph, one: Certificate, allowed: bool) -> bool:
    """Follow the mappings of a CA; False where one is not valid."""
    mapped: dict[bytes, list[bytes]] = {}
    for issuer, subject in one.extensions.mappings:
        if not allowed:
            graph.delete(issuer)
        elif ANY in (issuer, subject):
            return False
        else:
            mapped.setdefault(issuer, []).append(subject)
    for issuer, subjects in mapped.items():
        graph.map(issuer, subjects)
    return True
