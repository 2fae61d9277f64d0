"""What containers really reach: asked from the network namespace of one on the bridge, or from one made for the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path

from anywhere.documents.numbers import whole
from anywhere.errors import NotRecorded
from anywhere.facts.firewall.container_way import Bridge
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

_SCRIPT = Path(__file__).with_name("container_probe.sh")
TIMEOUT = 12.0  # seconds; the questions are asked side by side and have limits of their own


@frozen
class Question:
    """What is asked: `words` as the script reads them, `what` for people; `large` where the answer fills segments."""

    words: str
    what: str
    large: bool = False


@frozen
class Asked:
    """Where the questions were asked (`container NAME`, `throwaway`, or empty with `why` not), and by question what
    came: `answered ...`, `silent`, `stalled` (connected, then nothing). `host` is the same from the host itself."""

    place: str = ""
    why: str = ""
    inside: Mapping[Question, str] = field(default_factory=dict)
    host: Mapping[Question, str] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Question, ...]:
        """What the container did not get; a question that the host does not get either says nothing."""
        return tuple(
            question
            for question, said in self.inside.items()
            if not said.startswith("answered") and self.host.get(question, "answered").startswith("answered")
        )

    def without(self, question: Question) -> Asked:
        """The same without one question."""
        return replace(self, inside={one: said for one, said in self.inside.items() if one != question})

    @property
    def answered(self) -> tuple[Question, ...]:
        """What it got."""
        return tuple(question for question, said in self.inside.items() if said.startswith("answered"))


def ask(host: Host, bridge: Bridge, questions: Sequence[Question], *, prove: bool) -> Asked:
    """Ask from a container on this bridge; with `prove` from a throwaway namespace where there is none. Needs root."""
    if not questions or not bridge.address or (not prove and not bridge.ports):
        return Asked(why="no container runs on the bridge")
    words = ("prove" if prove else "look", bridge.name, bridge.own, bridge.free, str(bridge.container_mtu))
    argv = ("sh", "-c", _text(), _SCRIPT.stem, *words, *(question.words for question in questions))
    try:
        return parse_asked(host.run(argv, timeout=TIMEOUT).stdout, questions)
    except NotRecorded:
        return Asked(why="not recorded")


def parse_asked(text: str, questions: Sequence[Question]) -> Asked:
    """The lines of the script; those that are not understood are left out.

    ```
    place container 1f0c9a
    container 0 answered 00
    ```
    """
    place, why = "", "it could not be asked"
    answers: dict[str, dict[Question, str]] = {"container": {}, "host": {}}
    for line in text.splitlines():
        who, _, rest = line.partition(" ")
        number, _, said = rest.partition(" ")
        if who == "place":
            place, why = ("", said) if number == "none" else (rest, "")
        elif who in answers and (at := whole(number)) is not None and at < len(questions):
            answers[who][questions[at]] = said
    ordered = {who: {one: said[one] for one in questions if one in said} for who, said in answers.items()}
    return Asked(place, why, ordered["container"], ordered["host"])


@cache
def _text() -> str:
    """The script without its comments, which would only be sent to every host."""
    lines = _SCRIPT.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line and not line.lstrip().startswith("#")) + "\n"
