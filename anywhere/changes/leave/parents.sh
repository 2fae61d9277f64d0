# shellcheck shell=sh
# Removes folders that are empty now. Arguments: the folders, inner ones first.
for folder; do
  rmdir -- "$folder" 2>/dev/null
done
true
