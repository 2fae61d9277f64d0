"""What belongs to the agents on a host, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from anywhere.facts.agents.registration import IDENTITY, LEFTOVER
from anywhere.hosts.base import Host

ECS_FOLDERS = ("/var/lib/ecs", "/var/log/ecs", "/var/cache/ecs")
SSM_FOLDERS = ("/var/lib/amazon/ssm", "/var/log/amazon/ssm", "/etc/amazon/ssm")
PARENTS = ("/var/lib/amazon", "/var/log/amazon", "/etc/amazon")  # removed when empty
ECS_STATE = "/var/lib/ecs/data"
SSM = "/var/lib/amazon/ssm"
REGISTRATION = (f"{SSM}/Vault", LEFTOVER, IDENTITY)
ECS_CONFIG = "/etc/ecs/ecs.config"
LOGS = ("/var/log/ecs", "/var/log/amazon/ssm")


def there(host: Host, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of these files and folders that exist; one that may not be read does."""
    return tuple(path for path in paths if _exists(host, path))


def _exists(host: Host, path: str) -> bool:
    try:
        host.listdir(path)
    except NotADirectoryError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def own_folders(host: Host) -> tuple[str, ...]:
    """The folders that the SSM agent made for its instances, by their names."""
    try:
        names = host.listdir(SSM)
    except OSError:
        return ()
    return tuple(f"{SSM}/{name}" for name in names if name.startswith("mi-"))
