#!/bin/sh
# One command with its input and its own exit code: SECONDS COMMAND... Runs after base.sh with the rights that it is to have.
# The caller sets TOKEN, SIZE, the bytes of the input (empty: none), and WATCH, whether it is to end when the caller is gone.
# shellcheck disable=SC2154

# What login scripts print stands before it on both streams, and is no output of the command.
printf '\n%s go\n' "$TOKEN"
# Only now is the input sent: whoever asked for a password has had it. The line before it proves that it is the input.
printf '\n%s go\n' "$TOKEN" >&2
if [ "$SIZE" ]; then
    IFS= read -r line
    if [ "$line" != "$TOKEN $SIZE" ]; then
        echo "the input did not arrive as it was sent" >&2
        exit 97
    fi
    head -c "$SIZE" | $limit "$@"
else
    if [ "$WATCH" ]; then watch "$1"; fi
    $limit "$@" </dev/null
fi
rc=$?
if [ "$WATCH" ]; then kill "$watcher" 2>/dev/null; fi
# What left the session of a command that was cut off.
if [ "$rc" = 137 ] || [ "$rc" = 124 ]; then sweep; fi
exit "$rc"
