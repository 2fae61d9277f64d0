# shellcheck shell=sh
# Removes folders of the agents with all that is in them. A link is removed and never followed; what is mounted below, on
# whatever file system, stays with the folders that lead to it; a folder that is itself a link or a mount is left alone.
# Says on standard output what was left and why, a line each, and returns 0: what is left is for a person.
# usage: clean FOLDER...

# The mounts at or below a folder, as the kernel writes them (\040 is a blank).
mounted() {
  cut -d ' ' -f 5 /proc/self/mountinfo | while IFS= read -r point; do
    point=$(printf '%b' "$point")
    case $point in "$1" | "$1"/*) printf '%s\n' "$point" ;; esac
  done
}
is_mount() { printf '%s\n' "$points" | grep -Fxq -- "$1"; }
# Whether no part of the path is a link.
real() {
  part='' rest=${1#/}
  while [ -n "$rest" ]; do
    part=$part/${rest%%/*}
    [ ! -L "$part" ] || return 1
    case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
  done
}
# Everything below a folder but mounts, for the rare folder that has some.
around() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    if is_mount "$entry"; then
      echo "$entry: a file system is mounted there"
    elif [ -d "$entry" ] && [ ! -L "$entry" ]; then
      around "$entry"
    else
      rm -f -- "$entry"
    fi
  done
  rmdir -- "$1" 2>/dev/null
}

for folder; do
  [ -e "$folder" ] || [ -L "$folder" ] || continue
  real "$folder" || { echo "$folder: it is a symbolic link or lies behind one, which is not followed"; continue; }
  [ -d "$folder" ] || { rm -f -- "$folder"; continue; }
  only_root_writes "$folder" >/dev/null 2>&1 || { echo "$folder: others than root may write to it"; continue; }
  points=$(mounted "$folder")
  if [ -z "$points" ]; then
    find "$folder" -xdev -depth -delete 2>/dev/null
    [ ! -e "$folder" ] || echo "$folder: it could not be removed completely"
  elif is_mount "$folder"; then
    echo "$folder: a file system is mounted there"
  else
    around "$folder"
  fi
done
exit 0
