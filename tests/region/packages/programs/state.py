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
        """Read the checkpoint; what is wrong with it, empty when nothing is. The file is made at the first start, before
        the agent has joined any cluster."""
        if self.path and not os.path.exists(self.path):
            self._write({"version": self.version})
        if not self.path or not os.path.getsize(self.path):
            return ""
        try:
            with open(self.path) as file:
                found = json.load(file)
            self.saved, self.arn = found.get("cluster", ""), found.get("arn", "")
        except (OSError, ValueError, AttributeError):
            return "Error creating data client"
        return ""

    def save(self) -> None:
        """Write the checkpoint."""
        self.saved = self.cluster
        if self.path:
            self._write({"cluster": self.cluster, "arn": self.arn, "version": self.version})

    def _write(self, content: dict[str, str]) -> None:
        with open(self.path + ".new", "w") as file:
            json.dump(content, file)
        os.replace(self.path + ".new", self.path)

    def setting(self, name: str) -> dict[str, Any]:
        """A setting that holds a JSON object."""
        try:
            found = json.loads(os.environ.get(name) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
