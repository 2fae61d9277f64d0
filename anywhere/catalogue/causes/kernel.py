"""The texts of the causes in the kernel and in what is mounted."""

from __future__ import annotations

from anywhere.catalogue.causes.base import CauseText

KERNEL_CAUSES: tuple[CauseText, ...] = (
    CauseText(
        "kernel.limit",
        "fail or warn",
        "A limit of the kernel is used up",
        "Connections, files, processes, ARP entries or inotify instances: what comes after the last one fails, mostly with "
        "words that point elsewhere (`too many open files`).",
        "The number in use is read beside the limit: a failure from 98 % on, a warning from 90 %. inotify is counted where an "
        "agent that runs says that it gave out. With vm.overcommit_memory=2 what programs may still reserve counts "
        "(CommitLimit less Committed_AS): a failure below 128 MiB. Ports for outgoing connections: a warning below 1024, a "
        "failure where a connection found none left.",
        "Raise the setting that the finding names, now and at boot, and find out what uses it up.",
        "proc_sys_fs(5), inotify(7), ip(7), connect(2), nf_conntrack-sysctl; aws/amazon-ssm-agent issue 677",
    ),
    CauseText(
        "kernel.modules-gone",
        "fail or warn",
        "The running kernel cannot load its modules",
        "An upgrade took the old kernel's modules away, or modprobe is configured to load nothing for one: docker finds no nat "
        "table, no overlay, no bridge, and does not start. While it runs it is a warning.",
        "/lib/modules has folders, but none of the running kernel; lines `install NAME /bin/false` in /etc/modprobe.d.",
        "Reboot into the installed kernel; take the lines out.",
        "modprobe.d(5); moby contrib/check-config.sh",
    ),
    CauseText(
        "kernel.denied",
        "fail or warn",
        "AppArmor or SELinux denies something to an agent or docker",
        "The process itself, not a task, met a profile or policy that does not allow what it does.",
        "Lines of the kernel's log with the process's name; a failure only while its service does not run.",
        "Have the profile or policy allow what the quoted line names.",
        "apparmor(7), audit2allow(1)",
    ),
    CauseText(
        "mount.unsuitable",
        "fail",
        "A folder lies on a file system that does not suit it",
        "Read-only: no state, no logs, no credentials. noexec: Run Command and ECS Exec cannot start what they unpack. Without "
        "d_type: overlay loses files.",
        "The mount under each folder of the agents and docker, its options, and the kernel's reason for read-only.",
        "Mount it as the finding says, and correct /etc/fstab.",
        "mount(8); docker docs: overlayfs storage driver",
    ),
)
