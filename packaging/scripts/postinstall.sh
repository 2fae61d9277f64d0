#!/bin/sh
# deb: `configure [OLD-VERSION]`. rpm: 1 on install, 2 on upgrade. Enables and starts nothing.
set -e

case "${1:-}" in
  configure) upgrade=${2:-} ;;
  1) upgrade= ;;
  2) upgrade=yes ;;
  *) exit 0 ;;
esac
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload >/dev/null 2>&1 || :
# A guard that runs goes on with the new version.
[ -z "$upgrade" ] || systemctl try-restart anywhere-rules-guard.service >/dev/null 2>&1 || :
