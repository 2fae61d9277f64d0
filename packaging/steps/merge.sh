#!/bin/sh
# All libraries in one folder. Usage: merge.sh FOLDER...
set -eu
for folder in "$@"; do cp -a "$folder/." "${out:?}/"; done
