#!/bin/sh
# deb: `remove`, `purge` and others. rpm: 0 on removal, 1 on upgrade.
set -e

case "${1:-}" in
  remove | purge | 0) ;;
  *) exit 0 ;;
esac
if [ "$1" = purge ]; then
  # What anywhere-watch.service kept.
  rm -rf /var/lib/anywhere-watch
  [ ! -d /etc/ecs-anywhere-toolkit ] || rmdir --ignore-fail-on-non-empty /etc/ecs-anywhere-toolkit
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload >/dev/null 2>&1 || :
