# shellcheck shell=sh
# Sets one NAME=VALUE line of a settings file, whatever that holds: also where its last line has no end, and where the name
# stands there already. Only the last line is shown and run: it fits on one.
touch "$1" && sed -i --follow-symlinks "/^${2%%=*}=/d" "$1" && printf '\n%s\n' "$2" >> "$1"
