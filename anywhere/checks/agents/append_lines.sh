# shellcheck shell=sh
# Adds lines to a settings file, also to one whose last line does not end. Only the last line is shown and run.
file=$1 && shift && printf '\n' >> "$file" && printf '%s\n' "$@" >> "$file"
