"""From findings to causes."""

from anywhere.diagnosis.engine import Case, Rule, diagnose
from anywhere.diagnosis.rules import RULES

__all__ = ["RULES", "Case", "Rule", "diagnose"]
