# shellcheck shell=sh
# Moves a file aside, once: what was moved aside by an earlier run is the original, and what is there now goes.
# usage: aside PATH ASIDE
[ -e "$1" ] || exit 0
if [ -e "$2" ]; then rm -f -- "$1"; else mv -fT -- "$1" "$2"; fi
