# shellcheck shell=sh
# Takes ports out of the reserved ones and leaves all others: the kernel joins neighbors to ranges, which are cut again.
# usage: unreserve PATH PORT...
path=$1
shift
now=$(cat -- "$path") || exit 1
left=$now
for port; do
  kept=''
  for range in $(printf %s "$left" | tr , ' '); do
    low=${range%-*} high=${range#*-}
    if [ "$port" -lt "$low" ] || [ "$port" -gt "$high" ]; then kept=$kept,$range; continue; fi
    [ "$low" -eq "$port" ] || kept=$kept,$low-$((port - 1))
    [ "$high" -eq "$port" ] || kept=$kept,$((port + 1))-$high
  done
  left=${kept#,}
done
[ "$left" = "$now" ] || printf '%s\n' "$left" > "$path"
