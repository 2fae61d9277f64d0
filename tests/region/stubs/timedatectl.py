#!/usr/bin/python3
"""A stand-in for timedatectl(1): says what /run/region/systemd.json says of time synchronisation."""

from __future__ import annotations

import json
import sys

with open("/run/region/systemd.json", encoding="utf-8") as file:
    yes = "yes" if json.load(file)["synchronised"] else "no"
shown = {"Timezone": "Etc/UTC", "LocalRTC": "no", "CanNTP": "yes", "NTP": yes, "NTPSynchronized": yes}
words = sys.argv[1:]
if "show" in words:
    wanted = [name for name in shown if any(name in word.replace("--property=", "").split(",") for word in words)]
    for name in wanted or shown:
        print(shown[name] if "--value" in words else f"{name}={shown[name]}")
else:
    print(f"                Time zone: Etc/UTC (UTC, +0000)\nSystem clock synchronized: {yes}")
    print(f"              NTP service: {'active' if yes == 'yes' else 'inactive'}\n          RTC in local TZ: no")
