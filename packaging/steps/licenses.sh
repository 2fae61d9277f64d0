#!/bin/sh
# The copyright files of the source packages. Usage: licenses.sh SOURCE-FOLDER...
set -eu
for folder in "$@"; do
  name=$(basename "$folder"/*.dsc)
  tar -xOf "$folder"/*.debian.tar.* debian/copyright >"${out:?}/${name%%_*}"
done
