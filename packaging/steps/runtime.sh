#!/bin/sh
# A ready interpreter in place of a compiled one, as python-build-standalone publishes them: one folder with bin/python3*
# and lib/. Usage: runtime.sh ARCHIVE ARCH
set -eu
tar -xf "$1" -C "${out:?}" --strip-components=1
found=$(find "$out/bin" -name 'python3.[0-9]*' ! -name '*config*' -type f | head -n 1)
case "$(readelf -h "${found:?no bin/python3.x in $1}" | sed -n 's/ *Machine: *//p')" in
  *X86-64*) [ "$2" = x86_64 ] ;;
  AArch64) [ "$2" = aarch64 ] ;;
  *) false ;;
esac || { echo "$1 is not an interpreter for $2"; exit 1; }
