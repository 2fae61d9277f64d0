#!/bin/sh
# Builds the packages of one architecture into dist/: build.sh x86_64|aarch64
#
# Everything comes from a cache by content (ANYWHERE_CACHE), so that a build that was interrupted goes on where it ended.
#   PYTHON_RUNTIME=FILE    a ready interpreter (python-build-standalone) in place of a compiled one
#   BUILD_PYTHON=PROGRAM   with it, for another architecture: a Python of the same minor version that runs here
#   SIGNING_KEY_FILE=FILE  an OpenPGP secret key that signs the packages (NFPM_PASSPHRASE: its passphrase)
#   CACHED_ONLY=1          exit code 75 where the cache lacks something that takes long to make
set -eu
cd "$(dirname "$0")/.."
arch=${1:-}
case "$arch" in
  x86_64 | aarch64) ;;
  *) echo "usage: packaging/build.sh x86_64|aarch64" >&2; exit 2 ;;
esac
. packaging/common.sh
. packaging/interpreter.sh
exec 9>"$cache/lock"
flock ${CACHED_ONLY:+--nonblock --conflict-exit-code 75} 9

here=$(uname -m)
sources='anywhere schemas pyproject.toml README.md LICENSE CHANGELOG.md'
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# shellcheck disable=SC2086
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- $sources requirements packaging)}
# shellcheck disable=SC2086
content=$(git ls-files -z $sources | xargs -0 sha256sum | sha256sum)

if [ -n "${PYTHON_RUNTIME:-}" ]; then
  step "runtime-$arch" "$(key "$PYTHON_RUNTIME")" packaging/steps/runtime.sh "$PYTHON_RUNTIME" "$arch"
  interpreter=$made interpreter_source=$PYTHON_RUNTIME licenses=''
  compiling=$(find "$interpreter/bin" -name 'python3.[0-9]*' ! -name '*config*' -type f)
  [ "$arch" = "$here" ] || compiling=${BUILD_PYTHON:?for another architecture: a Python of the same minor version}
else
  build_interpreter "$here"
  compiling=$interpreter/bin/python3.13
  [ "$arch" = "$here" ] || build_interpreter "$arch" "$compiling"
  interpreter_source=packaging/sources.lock
  # shellcheck disable=SC2086
  step licenses "" packaging/steps/licenses.sh $source_folders
  licenses=$made
fi
python=$(basename "$interpreter"/lib/python3.*)

# What follows takes seconds, and is made anew wherever its inputs changed.
export CACHED_ONLY=
step "wheels-$arch" requirements/release.txt packaging/steps/wheels.sh "$arch" "${python#python}"
wheels=$made
step tools packaging/tools.txt packaging/steps/wheel_tools.sh packaging/tools.txt
tools=$made
step distributions "$content" packaging/steps/distributions.sh "$tools" "$epoch"
distributions=$made
step windows "$(key requirements/release.txt packaging/windows.txt)" packaging/steps/windows.sh "$distributions" "$version"
windows=$made
step "tree-$arch" "" packaging/steps/tree.sh "$arch" "$interpreter" "$wheels" "$distributions" "$compiling"
tree=$made
step pages "$(cat packaging/generate/*.py)" packaging/steps/pages.sh "$tree" "$compiling" "$(date -u -d "@$epoch" +%F)"
pages=$made
step "sbom-$arch" packaging/generate/sbom.py \
  packaging/steps/sbom.sh "$version" "$epoch" "$arch" "$wheels" "$interpreter_source"
sbom=$made/sbom.cdx.json
files=$(cat packaging/nfpm.yaml packaging/anywhere packaging/services.conf packaging/copyright packaging/lintian-overrides \
  packaging/systemd/* packaging/scripts/* ${SIGNING_KEY_FILE:+"$SIGNING_KEY_FILE"} | sha256sum)
step "packages-$arch" "$files" \
  packaging/steps/packages.sh "$arch" "$tree" "$pages" "$sbom" "$tools/bin/nfpm" "$version" "$epoch" "$licenses"

mkdir -p dist
cp "$made"/* "$distributions"/* "$windows"/* dist/
cp "$sbom" "dist/ecs-anywhere-toolkit-$version-$arch.cdx.json"
(cd dist && rm -f SHA256SUMS && sha256sum -- * >../SHA256SUMS.part && mv ../SHA256SUMS.part SHA256SUMS)
say "dist/ holds the packages for $arch"
