# shellcheck shell=sh disable=SC2154,SC2034
# The interpreter of one architecture: sets $interpreter to its folder and $source_folders to those of the sources.
# Sourced after common.sh.

# use_compiler ARCH: sets $compiler to the folder of its tools.
use_compiler() {
  step zig packaging/compiler.txt packaging/steps/wheel_tools.sh packaging/compiler.txt
  step "compiler-$1" "" packaging/steps/compiler.sh "$made" "$1-linux-gnu"
  export compiler="$made"
  export ZIG_GLOBAL_CACHE_DIR="$cache/zig" ZIG_LOCAL_CACHE_DIR="$cache/zig"
}

source_of() {
  step "source-$1" packaging/apt.sh packaging/steps/source.sh "$1" "$(locked "$1" 2)" "$(locked "$1" 4)"
}

# build_interpreter ARCH: compiles the libraries and CPython, or takes them from the cache. Sets $interpreter.
build_interpreter() {
  use_compiler "$1"
  folders='' source_folders=''
  for library in zlib bzip2 xz-utils libffi openssl; do
    source_of "$library"
    source=$made
    step "$library-$1" "$compiler" packaging/steps/library.sh "$library" "$source" "$1-linux-gnu"
    folders="$folders $made" source_folders="$source_folders $source"
  done
  # shellcheck disable=SC2086
  step "libraries-$1" "" packaging/steps/merge.sh $folders
  libraries=$made
  source_of python3.13
  source_folders="$source_folders $made"
  step "python-$1" "$compiler $(key packaging/steps/long_chains.c)" packaging/steps/python.sh "$made" "$libraries" "$1-linux-gnu" "${2:-}"
  interpreter=$made
}
