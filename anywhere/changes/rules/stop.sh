# shellcheck shell=sh
# Stops a unit for good and removes the metrics that it wrote. Stopped first: where /etc is read-only `disable --now` fails
# before it stops anything, and a guard that lives on puts back what is undone after it.
# usage: stop UNIT METRICS
systemctl stop "$1" 2>/dev/null
systemctl disable --quiet "$1" 2>/dev/null
systemctl reset-failed "$1" 2>/dev/null
rm -f -- "$2"
! systemctl is-active --quiet "$1" || { echo "$1 does not stop" >&2; exit 1; }
[ "$(systemctl is-enabled "$1" 2>/dev/null)" != enabled ] || { echo "$1 is still enabled" >&2; exit 1; }
