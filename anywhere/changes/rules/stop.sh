# shellcheck shell=sh
# Stops a unit for good and removes the metrics that it wrote.
# usage: stop UNIT METRICS
systemctl disable --quiet --now "$1" 2>/dev/null
systemctl reset-failed "$1" 2>/dev/null
rm -f -- "$2"
! systemctl is-active --quiet "$1"
