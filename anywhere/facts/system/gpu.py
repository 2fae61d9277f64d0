"""GPUs, as the ECS agent finds them: the file that ecs-init writes, and the driver's devices."""

from __future__ import annotations

from anywhere.facts.files import list_folder, read_text
from anywhere.frozen import frozen
from anywhere.hosts.base import Host

# Source: amazon-ecs-agent ecs-init/gpu/nvidia_gpu_manager.go; agent/gpu/nvidia_gpu_manager_unix.go.
INFO_FILE = "/var/lib/ecs/gpu/nvidia-gpu-info.json"
DRIVER = "/proc/driver/nvidia/version"

COMMANDS: tuple[tuple[str, ...], ...] = ()
FILES: tuple[str, ...] = (INFO_FILE, DRIVER)
FOLDERS: tuple[str, ...] = ()


@frozen
class Gpus:
    """`info` and `driver` are None where that may not be seen; `devices` are the names in /dev."""

    info: bool | None
    driver: bool | None
    devices: tuple[str, ...]


def gpus(host: Host) -> Gpus:
    """What is there of NVIDIA's driver and of the agent's own list."""
    devices = tuple(
        name for name in list_folder(host, "/dev") or () if name.startswith("nvidia") and name[6:].isdigit()
    )
    return Gpus(read_text(host, INFO_FILE).exists, read_text(host, DRIVER).exists, devices)
