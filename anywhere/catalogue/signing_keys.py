"""Which OpenPGP keys may vouch for a package: pinned by fingerprint, one dated row a key.

The keys themselves are in `data/keys/`, so that no key server and no GitHub is asked. A key that is not in this table,
or in a file that the user names, vouches for nothing.
"""

from __future__ import annotations

from pathlib import Path

from anywhere.frozen import frozen

CHECKED = "2026-11-29"
_SOURCE = "aws/amazon-ecs-agent scripts/*.gpg at 8dfceca6cf38"
ECS, SSM = "amazon-ecs-init", "amazon-ssm-agent"
FOLDER = Path(__file__).with_name("data") / "keys"


@frozen
class PinnedKey:
    """`fingerprint` of the primary key, `signing` those that make the signatures (the primary itself where empty),
    `file` in `data/keys`, `signs` the package, `ends` the last day (ISO date; empty: never)."""

    fingerprint: str
    owner: str
    file: str
    signs: str
    signing: tuple[str, ...] = ()
    ends: str = ""
    source: str = _SOURCE
    checked: str = CHECKED


def _ssm(fingerprint: str, ends: str) -> PinnedKey:
    return PinnedKey(fingerprint, "SSM Agent <ssm-agent-signer@amazon.com>", "amazon-ssm-agent.asc", SSM, (), ends)


PINNED: tuple[PinnedKey, ...] = (
    PinnedKey(
        "F34C3DDAE72926B079BEAEC6BCE9D9A42D51784F",
        "Amazon ECS <ecs-security@amazon.com>",
        "amazon-ecs-agent.asc",
        ECS,
        ("EB3DF841E2C9212A2BD42232DE3CBD61ADAF8B8E", "D64BB6F90CF377E9B5FB346F50DECCC4710E61AF"),
    ),
    _ssm("8108A07A9EBE248E3F1C63F254F4F56E693ECA21", "2022-03-29"),
    _ssm("2BC7C7C267BBD505EAA491E6DD81A61756BAA549", "2023-09-05"),
    _ssm("DE92C7DA3E56E92331D62A36BC1F495C97DD04ED", "2025-02-17"),
    _ssm("4855A9E6833216D6A77D8FE451A8E050D0052E5D", "2026-07-15"),
    _ssm("1C5B395CBE5E74E2F1CA21592784DBF388D19D46", "2027-11-25"),
)


def key_file(name: str) -> str:
    """The armored text of a file in `data/keys`."""
    return (FOLDER / name).read_text(encoding="ascii", errors="replace")
