# shellcheck shell=sh
# Writes a line of standard input to a file of /proc/sys. A line without its end broke off.
# usage: setting PATH
IFS= read -r value || { echo "the value of $1 did not arrive whole" >&2; exit 1; }
printf '%s\n' "$value" > "$1"
