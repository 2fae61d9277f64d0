# shellcheck shell=sh
# Adds the certificates of a file to a file of CAs, also where its last line has no end. Only the last line is shown and run.
test -s "$1" && { echo; cat -- "$1"; } >> "$2"
