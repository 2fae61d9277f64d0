# shellcheck shell=sh
# Runs a command of the run that holds the lock, and keeps the lock's file locked meanwhile: whoever comes next waits for
# a command that has outlived its run, and a command that comes too late does not begin.
# usage: hold LOCK TOKEN COMMAND...
lock=$1 token=$2
shift 2
exec 8<> "$lock" || exit 75
flock -s 8 || exit 75
read -r _ _ now _ < "$lock" || :
[ "$now" = "$token" ] || { echo "this run no longer holds $lock" >&2; exit 75; }
umask 022
exec "$@"
