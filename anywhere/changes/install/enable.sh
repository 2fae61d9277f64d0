# shellcheck shell=sh
# Enables a unit that is not to run yet.
# usage: enable UNIT
systemctl daemon-reload
systemctl enable --quiet "$1" || exit
systemctl stop "$1" 2>/dev/null
true
