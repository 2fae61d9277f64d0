"""From findings to causes."""

from anywhere.diagnosis.engine import Case, Rule, diagnose
from anywhere.diagnosis.table import BLAMING as BLAMING
from anywhere.diagnosis.table import RULES, SYMPTOMS

__all__ = ["RULES", "SYMPTOMS", "Case", "Rule", "diagnose"]
