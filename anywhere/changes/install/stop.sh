# shellcheck shell=sh
# Stops a unit for good; it may be gone already.
# usage: stop UNIT
systemctl disable --quiet --now "$1" 2>/dev/null
systemctl reset-failed "$1" 2>/dev/null
true
