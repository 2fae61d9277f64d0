"""Rulesets as hosts have them, for hypothesis: chains, comments, negations, multiport, sets, jumps, odd quoting."""

from __future__ import annotations

from hypothesis import strategies as st

SET = "anywhere-test-set"

_octet = st.integers(0, 255)
_net = st.builds("10.{}.{}.0/24".format, _octet, _octet)
_iface = st.sampled_from(["eth0", "eth1", "docker0", "br-+", "wg0"])
_port = st.integers(1, 65535).map(str)
_not = st.sampled_from(["", "! "])
_words = st.text(st.sampled_from("abcXYZ019 -_.:,!\"'\\/()[]*$&;|<>#äß"), min_size=1, max_size=40)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_selectors = st.lists(
    st.one_of(
        st.builds("{}-s {}".format, _not, _net),
        st.builds("{}-i {}".format, _not, _iface),
        st.builds("{}-p tcp -m tcp {}--dport {}".format, st.just(""), _not, _port),
        st.builds("-p udp -m multiport {}--dports {},{}".format, _not, _port, _port),
        st.builds(
            "-m conntrack {}--ctstate {}".format, _not, st.sampled_from(["NEW", "RELATED,ESTABLISHED", "INVALID"])
        ),
        st.builds(f"-m set {{}}--match-set {SET} src".format, _not),
        st.builds("-m mark {}--mark 0x{:x}/0xff".format, _not, st.integers(0, 255)),
        st.just("-m limit --limit 5/min --limit-burst 3"),
        st.just("-m addrtype --dst-type LOCAL"),
    ),
    max_size=3,
    unique_by=lambda text: text.split()[-2][:3],
)
_comment = st.one_of(st.just(""), _words.map(lambda text: f"-m comment --comment {_quoted(text)}"))
_filter_target = st.sampled_from(
    ["-j ACCEPT", "-j DROP", "-j RETURN", "-j USER-1", "-g user_2", "-j LOG --log-prefix \"seen: \"", ""]
)  # fmt: skip
_nat_target = st.sampled_from(["-j DNAT --to-destination 10.9.8.7", "-j ACCEPT", "-j RETURN", "-j USER-1"])


def _consistent(rule: str) -> bool:
    # One protocol, and one of each selector: iptables refuses the rest.
    if "DNAT" in rule and not rule.startswith(("-A PREROUTING", "-A OUTPUT")):
        return False
    return (
        rule.count(" -p ") < 2 and rule.count(" -s ") < 2 and rule.count(" -i ") < 2 and rule.count("-m conntrack") < 2
    )


def _rule(chain: str, selectors: list[str], comment: str, target: str) -> str:
    return " ".join(filter(None, [f"-A {chain}", *selectors, comment, target]))


def _table(name: str, chains: list[str], user: list[str], target: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    rules = st.builds(_rule, st.sampled_from(chains + user[:1]), _selectors, _comment, target).filter(_consistent)
    policies = st.sampled_from(["ACCEPT", "DROP"]) if name == "filter" else st.just("ACCEPT")
    head = "".join(f":{chain} {{0}} [0:0]\n" for chain in chains) + "".join(f":{chain} - [0:0]\n" for chain in user)

    def put(policy: str, found: list[str]) -> str:
        # A user chain that calls itself would be a loop.
        kept = [r for r in found if not (r.startswith("-A USER-1") and ("USER-1" in r[9:] or "user_2" in r))]
        kept = [r for r in kept if not (r.startswith("-A USER-1") and " -i " in r and name == "nat")]
        return f"*{name}\n{head.format(policy)}" + "".join(rule + "\n" for rule in kept) + "COMMIT\n"

    return st.builds(put, policies, st.lists(rules, max_size=8))


RULESETS = st.builds(
    "{}{}".format,
    _table("filter", ["INPUT", "FORWARD", "OUTPUT"], ["USER-1", "user_2"], _filter_target),
    _table("nat", ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], ["USER-1"], _nat_target),
).filter(lambda text: not any(" -i " in r and r.startswith(("-A OUTPUT", "-A POSTROUTING")) for r in text.split("\n")))
