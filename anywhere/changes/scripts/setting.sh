# shellcheck shell=sh
# Writes standard input to a file of /proc/sys.
# usage: setting PATH
cat > "$1"
