# shellcheck shell=sh
# Removes the copied packages.
# usage: unstage FOLDER
rm -rf -- "$1"
rmdir -- "${1%/*}" 2>/dev/null
true
