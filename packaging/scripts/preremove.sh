#!/bin/sh
# deb: `remove` (or `upgrade`, and others). rpm: 0 on removal, 1 on upgrade.
# Stops the services of this package. What `anywhere rules apply` and `anywhere proxy apply` did stays: it belongs to the
# host, works without this package, and `anywhere rules revert` undoes it, before the removal or after a new installation.
set -e

case "${1:-}" in
  remove | 0) ;;
  *) exit 0 ;;
esac
for unit in anywhere-watch.timer anywhere-rules-guard.service anywhere-rules-restore.service; do
  if [ -d /run/systemd/system ]; then
    systemctl disable --now "$unit" >/dev/null 2>&1 || :
  fi
  rm -f "/etc/systemd/system/multi-user.target.wants/$unit" "/etc/systemd/system/timers.target.wants/$unit"
done
