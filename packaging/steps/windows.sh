#!/bin/sh
# A zip with the wheel and every dependency for Windows on x86-64: `pip install --no-index --find-links FOLDER`.
# Usage: windows.sh DISTRIBUTIONS VERSION EPOCH
set -eu
distributions=$1 version=$2 epoch=$3
work=$(mktemp -d "${cache:?}/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
folder=$work/ecs-anywhere-toolkit-$version-windows
mkdir "$folder"
# Markers are judged for this machine: the lock without them is what Windows needs.
sed 's/ ;.*\\$/ \\/' requirements/release.txt >"$work/lock"
for python in 3.11 3.12 3.13; do
  python3 -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
    --platform win_amd64 --python-version "$python" --implementation cp --dest "$folder" -r "$work/lock"
done
cp "$distributions"/*.whl "$folder/"
cp LICENSE packaging/windows.txt "$folder/"
find "$folder" -exec touch -d "@$epoch" {} +
cd "$work"
find "${folder##*/}" -type f | sort | TZ=UTC zip -q -X -D "${out:?}/${folder##*/}.zip" -@
