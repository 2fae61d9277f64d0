#!/bin/sh
# The wheel and the sdist of this project. Usage: distributions.sh TOOLS SOURCE_DATE_EPOCH
set -eu
export SOURCE_DATE_EPOCH="$2" PYTHONPATH="$1" PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d "${cache:?}/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
git ls-files -z anywhere schemas pyproject.toml README.md LICENSE CHANGELOG.md | xargs -0 cp --parents -t "$work"
cd "$work"
for kind in wheel sdist; do
  python3 -c 'import sys; from setuptools import build_meta; getattr(build_meta, f"build_{sys.argv[1]}")(sys.argv[2])' \
    "$kind" "${out:?}"
done
# setuptools writes times, owners and order of this machine into an sdist.
cd "$out"
sdist=$(basename ./*.tar.gz .tar.gz)
tar -xzf "$sdist.tar.gz" -C "$work"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$work" -c "$sdist" |
  gzip -9n >"$sdist.tar.gz"
