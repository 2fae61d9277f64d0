"""What the modules that change a host share: their options, the command lines, and what the command's report means."""

from __future__ import absolute_import, division, print_function

import json

__metaclass__ = type

COMMON = dict(
    state=dict(type="str", choices=["present", "absent"], default="present"),
    where=dict(type="str", choices=["controller", "host"], default="controller"),
    executable=dict(type="list", elements="str", default=["anywhere"]),
    verify=dict(type="bool", default=False),
    arguments=dict(type="list", elements="str", default=[]),
)
RULES = dict(COMMON, persist=dict(type="bool", default=True))
PROXY = dict(
    COMMON,
    url=dict(type="str"),
    username=dict(type="str"),
    password=dict(type="str", no_log=True),
    no_proxy=dict(type="list", elements="str", default=[]),
    ca=dict(type="path"),
    packages=dict(type="bool", default=False),
    restart=dict(type="bool", default=False),
)
NEEDED_TOGETHER = [["username", "password"]]


def refused(options):
    """What is wrong with the options, in one line; empty when nothing is."""
    url = options.get("url") or ""
    if "@" in url:
        return "url holds credentials, which logs would show: give username and password"
    if options.get("username") and not url:
        return "username and password are of a proxy: give its url"
    for name in ("username", "password"):
        if "\n" in (options.get(name) or ""):
            return "%s holds a line break" % name
    if ":" in (options.get("username") or ""):
        return "username holds a colon, which no proxy takes"
    return ""


def credentials(options):
    """`user:password` for the command's --credentials-file; empty where there is none or none is needed."""
    if options["state"] == "absent" or not options.get("username"):
        return ""
    return "%s:%s\n" % (options["username"], options["password"])


def commands(verb, options, check, secret):
    """The words of the change, and of the proof after it (empty where none is asked for). `secret` is the path at which
    the command finds the credentials; empty where there are none."""
    extra = [str(word) for word in options["arguments"]]
    if options["state"] == "absent":
        words = [verb, "revert", "--format", "json"] + (["--dry-run"] if check else [])
        return words + (["--restart"] if options.get("restart") else []) + extra, []
    profile = _rules(options) if verb == "rules" else _proxy(options, secret)
    restart = ["--restart"] if options.get("restart") else []
    change = [verb, "plan" if check else "apply", "--format", "json"] + profile + restart + extra
    proof = [verb, "verify", "--format", "json"] + profile + extra
    return change, proof if options["verify"] and not check else []


def _rules(options):
    return [] if options["persist"] else ["--no-persist"]


def _proxy(options, secret):
    words = ["--url", options["url"]] if options.get("url") else []
    words += ["--credentials-file", secret] if secret else []
    for entry in options["no_proxy"]:
        words += ["--no-proxy", entry]
    words += ["--ca", options["ca"]] if options.get("ca") else []
    return words + (["--packages"] if options["packages"] else [])


def result(rc, out, err):
    """The module's result from what the command said."""
    try:
        report = json.loads(out)
        target = report["targets"][0]
        steps, state, error = target["steps"], target["state"], target["error"]
    except (ValueError, KeyError, IndexError, TypeError):
        said = (err or out or "").strip() or "it said nothing"
        return dict(failed=True, changed=False, exit_code=rc, msg="anywhere gave no report: %s" % said)
    found = dict(
        changed=bool(steps) and state in ("planned", "done", "failed"),
        exit_code=rc,  # not "rc": Ansible itself takes any other than 0 for a failure
        steps=[step["title"] for step in steps],
        report=report,
        diff=_diff(report["command"], steps),
        msg=error or ("; ".join(step["title"] for step in steps) or "already so"),
    )
    if state == "failed" or rc != 0:
        found["failed"] = True
    return found


def judged(found, rc, out, err):
    """The result with the proof in it. A host that is not as wanted, or could not be judged, fails the task."""
    try:
        target = json.loads(out)["targets"][0]
        verdict, causes, findings = target["verdict"], target["causes"], target["findings"]
    except (ValueError, KeyError, IndexError, TypeError):
        said = (err or out or "").strip() or "it said nothing"
        return dict(found, failed=True, exit_code=rc, msg="anywhere could not verify: %s" % said)
    found = dict(found, verdict=verdict, causes=causes, findings=findings)
    if verdict in ("not-ready", "unknown"):
        bad = [one["summary"] for one in findings if one["status"] in ("fail", "error")]
        found.update(failed=True, exit_code=rc, msg="; ".join(bad) or verdict)
    return found


def _diff(command, steps):
    """Files with their text before and after, everything else by its title."""
    sign = "-" if command.endswith("revert") else "+"
    titles = "".join("%s %s\n" % (sign, step["title"]) for step in steps)
    found = [dict(prepared=titles)] if titles else []
    for step in steps:
        path = step.get("path")
        if path and step.get("input") is not None:
            before = step.get("before")
            header = path if before is not None else "%s (absent)" % path
            found.append(dict(before=before or "", after=step["input"], before_header=header, after_header=path))
        elif path:
            found.append(dict(prepared="%s: not shown, it holds credentials\n" % path))
    return found
