# shellcheck shell=sh
# Removes a file, what a run that was killed left of it, and those of the folders that are empty then.
# usage: remove PATH FOLDER...
p=''
follow "$1" || exit 1
shift
rm -f -- "$p" "${p%/*}/.${p##*/}.anywhere-"????????????????
for d; do rmdir -- "$d" 2>/dev/null; done
test ! -e "$p"
