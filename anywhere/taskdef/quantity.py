"""CPU and memory as a task definition writes them, and Fargate's table of pairs."""

from __future__ import annotations

import re

_CPU = re.compile(r"\s*(\d+|\d*\.\d+|\d+\.)\s*(vcpu)?\s*\Z", re.IGNORECASE)
_MEMORY = re.compile(r"\s*(\d+|\d*\.\d+|\d+\.)\s*(gb)?\s*\Z", re.IGNORECASE)

# CPU units to MiB: least, most, step. Source: RegisterTaskDefinition, field memory.
FARGATE_PAIRS = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}


def cpu_units(text: str) -> int | None:
    """CPU units of `1024`, `1 vCPU` or `.5 vcpu`; None for anything else."""
    return _scaled(_CPU, text)


def memory_mib(text: str) -> int | None:
    """MiB of `512`, `1GB` or `0.5 GB`; None for anything else."""
    return _scaled(_MEMORY, text)


def _scaled(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.match(text) if len(text) < 40 else None
    if match is None:
        return None
    value = float(match[1]) * (1024 if match[2] else 1)
    return int(value) if value == int(value) else None


def fargate_memory(cpu: int) -> list[int]:
    """The memory sizes, in MiB, that Fargate has for these CPU units; none for a CPU size it does not have."""
    if cpu not in FARGATE_PAIRS:
        return []
    least, most, step = FARGATE_PAIRS[cpu]
    return [size for size in range(least, most + 1, step) if (cpu, size) != (256, 1536)]
