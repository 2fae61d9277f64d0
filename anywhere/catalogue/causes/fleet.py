"""The texts of the causes in docker's networks, SSH and fleets."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

FLEET_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "docker.subnet-overlap",
        "fail",
        "A docker network covers an address that is needed outside",
        "Packets for the nameserver, the proxy, the gateway or an endpoint go into the bridge and never come back.",
        "The subnets of docker's bridges are compared with those addresses.",
        'Docker\'s default bridge: change "bip" in /etc/docker/daemon.json. A network that somebody made: make it again with '
        "the same options and another subnet; Docker goes on running.",
        "docker documentation: default address pools",
    ),
    CauseText(
        "host.unreachable",
        "error",
        "The host could not be reached over SSH",
        "Nothing can be said about it.",
        "Opening the connection failed, or it was lost.",
        "Check the address, the key and known_hosts.",
        "ssh(1)",
    ),
    CauseText(
        "host.permission",
        "error",
        "Checks that decide need root",
        "Facts that only root may read are not known, and what is not known is never a pass: the verdict is unknown.",
        "Files, the packet filter or Docker refused this user, or `sudo -n` was refused over SSH.",
        "Run the check again as root. Over SSH: allow sudo without a password for this user, or give --ask-become-pass.",
        "sudo(8)",
    ),
    CauseText(
        "identity.duplicate",
        "fail",
        "Two hosts share one identity",
        "The same machine-id, managed instance id, SSH host key or hardware address on two hosts of one run: a cloned image.",
        "The hosts of a run are compared.",
        "On each clone: `anywhere reset --reclaim` (stops the agents, removes registration and saved state, makes a new "
        "machine-id and new SSH host keys), reboot, register anew. Where the SSH host "
        "key or the hardware address alone is shared, that alone is made new, and the registration stays.",
        "amazon-ssm-agent issue 73",
    ),
)
