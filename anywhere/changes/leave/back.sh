# shellcheck shell=sh
# Moves a file back to where it was, where it has been moved aside; without one, what is there is newer and goes.
# usage: back PATH ASIDE
if [ -e "$2" ]; then mv -fT -- "$2" "$1"; fi
