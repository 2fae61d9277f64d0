# shellcheck shell=sh
# Writes a line of standard input to a file of /proc/sys, where the file still holds OURS: what somebody else has set since
# stays. A line without its end broke off.
# usage: restore PATH OURS
IFS= read -r value || { echo "the value of $1 did not arrive whole" >&2; exit 1; }
now=$(cat -- "$1") || exit 1
[ "$now" = "$2" ] || exit 0
printf '%s\n' "$value" > "$1"
