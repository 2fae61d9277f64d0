# shellcheck shell=sh
# Removes what a run that was killed left beside a file.
# usage: leftovers PATH
p=$(readlink -f -- "$1") || p=$1
rm -f -- "${p%/*}/.${p##*/}.anywhere-"????????????????
