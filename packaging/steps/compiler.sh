#!/bin/sh
# One wrapper for each tool of the compiler, for glibc 2.17. Usage: compiler.sh FOLDER-OF-ZIG HOST
# What the compiler is called gets into what it makes: a name without a path is the same wherever the cache lies.
set -eu
wrapper() {
  printf '#!/bin/sh\nexec %s %s "$@"\n' "$zig" "$2" >"${out:?}/anywhere-$1"
  chmod 755 "$out/anywhere-$1"
}
zig=$1/ziglang/zig flags="-target $2.2.17 -fno-sanitize=undefined -Wno-date-time"
wrapper cc "cc $flags"
wrapper c++ "c++ $flags"
wrapper ar ar
wrapper ranlib ranlib
