#!/bin/sh
# The locked wheels of an architecture for glibc 2.17. Usage: wheels.sh ARCH PYTHON-VERSION
# A plain `pip install` would take wheels for the glibc of this machine.
set -eu
# Windows only; what typer needs only for decorated help, which is switched off; what cffi needs only to read C.
left_out='colorama rich pygments markdown-it-py mdurl pycparser'
lock=$(mktemp "${cache:?}/wheels.XXXXXX")
trap 'rm -f "$lock"' EXIT
awk -v left_out=" $left_out " '
  /^[^ #]/ { name = $1; sub(/==.*/, "", name); keep = !index(left_out, " " name " ") }
  keep { sub(/ ;.*\\$/, " \\"); print }' requirements/release.txt >"$lock"
python3 -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
  --platform "manylinux2014_$1" --platform "manylinux_2_17_$1" --python-version "$2" --implementation cp \
  --dest "${out:?}" -r "$lock"
