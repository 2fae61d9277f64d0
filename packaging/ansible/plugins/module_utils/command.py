"""What the module and its action plugin share: the options, the command line, and what a report means."""

from __future__ import absolute_import, division, print_function

import json

__metaclass__ = type

LISTS = (
    ("region", "--region"),
    ("features", "--with"),
    ("phase", "--phase"),
    ("only", "--only"),
    ("skip", "--skip"),
    ("demote", "--demote"),
    ("accept_issuer", "--accept-issuer"),
)
NUMBERS = (("budget", "--budget"), ("shards", "--shards"), ("idle", "--idle"))
FLAGS = (("dualstack", "--dualstack"), ("fips", "--fips"))
BAD = {"not-ready": ("not-ready", "unknown"), "warnings": ("not-ready", "unknown", "ready-with-warnings"), "never": ()}

SPEC = dict(
    where=dict(type="str", choices=["controller", "host"], default="controller"),
    executable=dict(type="list", elements="str", default=["anywhere"]),
    region=dict(type="list", elements="str", default=[]),
    features=dict(type="list", elements="str", default=[]),
    phase=dict(type="list", elements="str", default=[]),
    only=dict(type="list", elements="str", default=[]),
    skip=dict(type="list", elements="str", default=[]),
    demote=dict(type="list", elements="str", default=[]),
    accept_issuer=dict(type="list", elements="str", default=[]),
    budget=dict(type="float"),
    idle=dict(type="float"),
    shards=dict(type="int"),
    dualstack=dict(type="bool", default=False),
    fips=dict(type="bool", default=False),
    fail_on=dict(type="str", choices=["not-ready", "warnings", "never"], default="not-ready"),
    arguments=dict(type="list", elements="str", default=[]),
)


def arguments(options):
    """The words for `anywhere check` from the module's options."""
    words = ["check", "--format", "json"]
    for name, flag in LISTS:
        for value in options.get(name) or []:
            words += [flag, str(value)]
    for name, flag in NUMBERS:
        if options.get(name) is not None:
            words += [flag, str(options[name])]
    for name, flag in FLAGS:
        if options.get(name):
            words.append(flag)
    return words + [str(word) for word in options.get("arguments") or []]


def result(rc, out, err, fail_on):
    """The module's result: the report as it is, its verdict and causes, and the report as a fact of the host."""
    try:
        report = json.loads(out)
        target = report["targets"][0]
    except (ValueError, KeyError, IndexError, TypeError):
        said = (err or out or "").strip()
        return dict(
            failed=True, changed=False, exit_code=rc, msg="anywhere gave no report: %s" % (said or "it said nothing")
        )
    verdict = target["verdict"]
    causes = ["%s: %s" % (cause["code"], cause["summary"]) for cause in target["causes"]]
    found = dict(
        changed=False,
        exit_code=rc,  # not "rc": Ansible itself takes any other than 0 for a failure
        verdict=verdict,
        causes=target["causes"],
        report=report,
        ansible_facts=dict(anywhere=dict(verdict=verdict, facts=target["facts"], causes=target["causes"])),
        msg="; ".join(causes) or verdict,
    )
    if verdict in BAD[fail_on]:
        found["failed"] = True
    return found
