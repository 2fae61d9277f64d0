# shellcheck shell=sh
# Removes what a run that was killed left beside a file.
# usage: leftovers PATH
p=''
follow "$1" 2>/dev/null || exit 0 # and so nothing was ever written
rm -f -- "${p%/*}/.${p##*/}.anywhere-"????????????????
