# shellcheck shell=sh
# Sets the cluster in a settings file, whatever that holds. Only the last line is shown and run: it fits on one.
touch "$1" && sed -i --follow-symlinks '/^ECS_CLUSTER=/d' "$1" && printf '\nECS_CLUSTER=%s\n' "$2" >> "$1"
