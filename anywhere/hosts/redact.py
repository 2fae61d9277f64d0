"""What no bundle, report or log may hold. Applied when an observation is recorded and again when a report is made."""

from __future__ import annotations

import re

MASK = "***"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A proxy variable: everything before the last @ is its user part, whatever a password holds.
    (
        re.compile(r"(\b(?:https?|all)[_-]proxy[\"']?\s*[=:]\s*+[\"']?+)(\w+://)?+(?!\*\*\*@)[^\s,]+@", re.I),
        rf"\1\2{MASK}@",
    ),
    # The user part of any other URL.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/\"'<>]+@", re.I), rf"\1{MASK}@"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), MASK),
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b"), MASK),
    (
        re.compile(
            r"(\b[\w.-]*(?:secret_?access_?key|secret_?key|access_?key_?id|session_?token|security-token|private_?key|"
            r"activation_?(?:code|id)|password|passwd|engine_auth_data|client_?secret|api_?key|auth_?token)"
            r"[\"']?\s*(?:[=:]|\s-)\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?!\*\*\*)[^\s,;&}]+)",
            re.I,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(\s-{1,2}(?:code|id|activation-code|activation-id|password)[= ]+)(?!\*\*\*)[^\s\"']+"), rf"\1{MASK}"),
    (re.compile(r"((?:proxy-)?authorization\s*:\s*)[^\r\n\"]+", re.I), rf"\1{MASK}"),
    (re.compile(r"((?:[?&]|\b)X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.I), rf"\1{MASK}"),
)

# Keys whose whole value is a secret wherever a mapping carries them.
SECRET_KEYS = re.compile(
    r"secret|session_?token|security_?token|private_?key|password|passwd|activation_?code|engine_auth_data|access_?key_?id|"
    r"authorization$",
    re.I,
)


def redact(text: str) -> str:
    """The text without credentials. Applying it twice changes nothing more."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redact_value(value: object, key: str = "") -> object:
    """The same for a JSON-like value, at any depth."""
    if isinstance(value, str):
        return MASK if value and SECRET_KEYS.search(key) else redact(value)
    if isinstance(value, dict):
        return {name: redact_value(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(item, key) for item in value]
    return value
