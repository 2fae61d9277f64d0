"""The machine: release, disks, units, packages, CA stores."""
