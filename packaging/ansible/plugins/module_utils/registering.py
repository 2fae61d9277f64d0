"""What the module `register` and its action plugin share: options, the command line, and what the result means."""

from __future__ import absolute_import, division, print_function

import json

__metaclass__ = type

REGISTER = dict(
    region=dict(type="str", required=True),
    cluster=dict(type="str", default="default"),
    account=dict(type="str"),
    activation_id=dict(type="str"),
    activation_code=dict(type="str", no_log=True),
    artifacts=dict(type="path"),
    artifacts_url=dict(type="str"),
    keyring=dict(type="path"),
    docker=dict(type="str", choices=["auto", "distro", "docker", "none"], default="auto"),
    attributes=dict(type="dict", default={}),
    tags=dict(type="dict", default={}),
    demote=dict(type="list", elements="str", default=[]),
    start=dict(type="bool", default=True),
    wait=dict(type="int", default=180),
    where=dict(type="str", choices=["controller", "host"], default="controller"),
    executable=dict(type="list", elements="str", default=["anywhere"]),
    arguments=dict(type="list", elements="str", default=[]),
)
TOGETHER = [["activation_id", "activation_code"]]
EXCLUSIVE = [["artifacts", "artifacts_url"]]
_PLAIN = ("region", "cluster", "account", "artifacts", "artifacts_url", "keyring", "docker", "wait")


def activation(options):
    """The text for --activation-file; empty where none was given."""
    if not options.get("activation_id"):
        return ""
    return "id=%s\ncode=%s\n" % (options["activation_id"], options["activation_code"])


def words(options, check, secret):
    """The command's words. `secret` is the path at which it finds the activation; empty where there is none."""
    found = ["register", "--format", "json"]
    for name in _PLAIN:
        if options.get(name) not in (None, ""):
            found += ["--" + name.replace("_", "-"), str(options[name])]
    for option, pairs in (("--attribute", options["attributes"]), ("--tag", options["tags"])):
        for key in sorted(pairs or {}):
            found += [option, "%s=%s" % (key, pairs[key])]
    for word in options["demote"]:
        found += ["--demote", word]
    found += [] if options["start"] else ["--no-start"]
    found += ["--activation-file", secret] if secret else []
    found += ["--dry-run"] if check else []
    return found + [str(word) for word in options["arguments"]]


def result(rc, out, err):
    """The module's result from what the command said."""
    try:
        host = json.loads(out)["hosts"][0]
        steps, state = host["steps"], host["state"]
    except (ValueError, KeyError, IndexError, TypeError):
        said = (err or out or "").strip() or "it said nothing"
        return dict(failed=True, changed=False, exit_code=rc, msg="anywhere gave no result: %s" % said)
    found = dict(
        changed=state in ("done", "failed") or (state == "planned" and bool(steps)),
        exit_code=rc,  # not "rc": Ansible itself takes any other than 0 for a failure
        state=state,
        instance=host["instance"],
        arn=host["arn"],
        cluster=host["cluster"],
        code=host["code"],
        fix=host["fix"],
        steps=[step["title"] for step in steps],
        differences=host["differences"],
        causes=host["causes"],
        diff=_diff(steps),
        msg=host["error"] or ("%s %s" % (host["instance"], host["arn"])).strip() or state,
    )
    if rc != 0:
        found["failed"] = True
    return found


def _diff(steps):
    found = [dict(prepared="".join("+ %s\n" % step["title"] for step in steps))] if steps else []
    for step in steps:
        if step.get("path") and step.get("after") is not None:
            before = step.get("before")
            header = step["path"] if before is not None else "%s (absent)" % step["path"]
            found.append(
                dict(before=before or "", after=step["after"], before_header=header, after_header=step["path"])
            )
    return found
