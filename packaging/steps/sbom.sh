#!/bin/sh
# Usage: sbom.sh VERSION EPOCH ARCH WHEELS SOURCES-LOCK-OR-ARCHIVE
set -eu
python3 packaging/generate/sbom.py "$@" >"${out:?}/sbom.cdx.json"
