#!/bin/sh
# The wheels for Windows, for a pip without internet. Usage: windows.sh DISTRIBUTIONS VERSION
set -eu
own=$1 name=ecs-anywhere-toolkit-$2-windows-amd64
work=$(mktemp -d "${cache:?}/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"
# pip reads the marks behind `;` as this machine's own.
sed 's/ ;.*\\$/ \\/' requirements/release.txt >"$work/lock"
for version in 3.11 3.12 3.13; do
  python3 -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
    --platform win_amd64 --python-version "$version" --implementation cp --dest "$work/$name" -r "$work/lock"
done
cp "$own"/*.whl "$work/$name/"
sed 's/$/\r/' packaging/windows.txt >"$work/$name/README.txt"
cd "$work"
# By name and with one time for all, so that the same wheels make the same file.
find "$name" -type f -exec touch -d '1980-01-01 00:00:00' {} +
find "$name" -type f | sort | zip -X -q -0 "${out:?}/$name.zip" -@
