# shellcheck shell=sh
# Moves a file back to where it was, where it has been moved aside.
# usage: move_back PATH ASIDE
test ! -e "$2" || mv -f -- "$2" "$1"
