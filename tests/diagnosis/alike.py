"""Whether what a report says of a host is one story: a cause in the words of its findings, a next step that is a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anywhere.model import Reason, Remedy
from anywhere.report.shown.commands import first_step

# What a reason of a failed connection is called.
CALLED = {
    Reason.TIMEOUT: "timed out: packets are dropped",
    Reason.REFUSED: "connection refused",
    Reason.UNREACHABLE: "no route to host",
}
# Programs that change nothing as they are called here.
LOOKS = {"getent", "cat", "grep", "tail", "journalctl", "tracepath", "mtr", "ss", "nvidia-smi", "dig", "ls", "df", "du"}
ONLY = {("ip", "route", "show"), ("docker", "info"), ("docker", "network", "ls"), ("anywhere", "explain")}


def is_look(words: tuple[str, ...]) -> bool:
    """Whether a command only shows something."""
    own = words[1:] if words[:1] == ("sudo",) else words
    if own[:1] == ("curl",):
        return "/dev/null" in own or not {"-o", "-O"} & set(own)
    return bool(own) and (own[0] in LOOKS or any(own[: len(one)] == one for one in ONLY))


def contradictions(target: Mapping[str, Any]) -> Iterator[str]:
    """Causes that say of their findings what none of them met, or all addresses where only some fail."""
    for cause in target["causes"]:
        findings = [target["findings"][place] for place in cause["findings"]]
        met = " ".join(f"{row['summary']} {row['evidence']}" for row in findings).lower()
        reasons = {row["reason"] for row in findings}
        for reason, words in CALLED.items():
            if words in cause["summary"].lower() and str(reason) not in reasons and words not in met:
                yield f"{cause['code']} says {words!r}, its findings {sorted(map(str, reasons))}: {cause['summary']}"
        if findings and all(row["evidence"].get("partial") for row in findings) and "address" not in cause["summary"]:
            yield f"{cause['code']} fails for some addresses, and says so of all: {cause['summary']}"


def no_steps(target: Mapping[str, Any]) -> Iterator[str]:
    """Causes whose next step only looks, or is none; commands of which some have sudo."""
    for cause in target["causes"]:
        given = cause["remedy"]
        commands = tuple(tuple(words) for words in given["commands"])
        step = first_step(Remedy(given["text"], commands, ask=given.get("ask", "")))
        if any(map(is_look, commands)) or "anywhere explain" in step or len(step.split()) < 2:
            yield f"{cause['code']}: {step}"
        if len({words[0] == "sudo" for words in commands}) > 1:
            yield f"{cause['code']}: sudo before some of its commands only: {commands}"
