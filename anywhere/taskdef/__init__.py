"""Task definitions: will it run on an external instance, and if not, what to change."""

from __future__ import annotations

from anywhere.taskdef.rule import Rule
from anywhere.taskdef.rules import RULES

__all__ = ["RULES", "Rule"]
