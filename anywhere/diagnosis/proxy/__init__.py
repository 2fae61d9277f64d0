"""Causes at the proxy: how it is set, then what it does."""

from anywhere.diagnosis.proxy import answers, settings

# A setting that cannot work explains what fails at the proxy, so it comes first.
RULES = (*settings.RULES, *answers.RULES)
INSIDE = answers.INSIDE
