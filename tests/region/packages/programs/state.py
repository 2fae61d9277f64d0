"""What the ECS agent remembers."""

from __future__ import annotations

import json
import os
from typing import Any


class State:
    """`saved` is the cluster of the checkpoint, `arn` the container instance's; both empty before the first time."""

    def __init__(self, folder: str, cluster: str, region: str, version: str, docker: str) -> None:
        self.path = os.path.join(folder, "agent.db") if folder else ""
        self.cluster, self.region, self.version, self.docker = cluster, region, version, docker
        self.saved = self.arn = ""

    def load(self) -> str:
        """Read the checkpoint; what is wrong with it, empty when nothing is."""
        if not self.path or not os.path.exists(self.path) or not os.path.getsize(self.path):
            return ""
        try:
            with open(self.path) as file:
                found = json.load(file)
            self.saved, self.arn = found["cluster"], found["arn"]
        except (OSError, ValueError, KeyError, TypeError):
            return "Error creating data client"
        return ""

    def save(self) -> None:
        """Write the checkpoint."""
        self.saved = self.cluster
        if self.path:
            with open(self.path + ".new", "w") as file:
                json.dump({"cluster": self.cluster, "arn": self.arn}, file)
            os.replace(self.path + ".new", self.path)

    def setting(self, name: str) -> dict[str, Any]:
        """A setting that holds a JSON object."""
        try:
            found = json.loads(os.environ.get(name) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
