#!/bin/sh
# start.sh UNIT SECONDS: enable and start a unit, and say why where it does not come up. The start is not waited for by
# systemctl, whose own wait has no end where the unit's job waits for another one.
set -u
unit=$1 seconds=$2
systemctl daemon-reload
systemctl unmask --quiet "$unit" 2>/dev/null
systemctl enable --quiet "$unit" || exit
systemctl reset-failed --quiet "$unit" 2>/dev/null
systemctl start --no-block "$unit" || exit
end=$(($(date +%s) + seconds))
while :; do
  case $(systemctl is-active "$unit") in
    active | reloading) exit 0 ;;
    failed) break ;;
  esac
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.2
done
waits=$(systemctl list-jobs --no-legend --no-pager 2>/dev/null | awk -v unit="$unit" '$2 != unit && $4 == "running" { print $2 }' | tr '\n' ' ')
if [ -n "$waits" ] && systemctl list-jobs --no-legend --no-pager 2>/dev/null | grep -q " $unit .*waiting"; then
  echo "its start waits for: $waits" >&2
else
  said=$(journalctl -u "$unit" -n 30 -o cat --no-pager 2>/dev/null | grep -iE 'fail|error|unable|cannot' | grep -v '^\(Failed to start\|.*: Failed with\|.*: Main process\)' | tail -n 1)
  echo "it is $(systemctl is-active "$unit"): ${said:-no reason in its journal}" >&2
fi
exit 1
