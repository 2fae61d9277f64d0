#!/bin/sh
# The interpreter: CPython with every library inside one executable.
# Usage: python.sh SOURCE-FOLDER LIBRARIES HOST BUILD-PYTHON (empty: not a cross build)
set -eu
source=$1 libraries=$2 host=$3 build_python=$4
PATH=${compiler:?}:$PATH top=$PWD
work=$(mktemp -d "${cache:?}/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
dpkg-source --no-check --skip-patches -x "$source"/*.dsc "$work/source"
cd "$work/source"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -STimestamp)
export SOURCE_DATE_EPOCH
# Debian's security fixes; its other patches move folders about.
grep -E '^(CVE-|ssl-|dict-|traverse-)' debian/patches/series | while read -r patch _; do
  patch -p1 --silent <"debian/patches/$patch"
  echo "$patch" >>"$work/patches"
done
cat "$top/packaging/steps/long_chains.c" >>Modules/_ssl.c
export CC=anywhere-cc CXX=anywhere-c++ AR=anywhere-ar RANLIB=anywhere-ranlib READELF=readelf PKG_CONFIG=/bin/false
include="-I$libraries/include"
export ZLIB_CFLAGS="$include" ZLIB_LIBS="$libraries/lib/libz.a" BZIP2_CFLAGS="$include" BZIP2_LIBS="$libraries/lib/libbz2.a"
export LIBLZMA_CFLAGS="$include" LIBLZMA_LIBS="$libraries/lib/liblzma.a"
export LIBFFI_CFLAGS="$include" LIBFFI_LIBS="$libraries/lib/libffi.a"
# Modules that need a library which is not there. Expat is the copy in CPython's source (botocore reads XML with it).
for module in tkinter curses curses_panel dbm gdbm sqlite3 uuid; do export "py_cv_module__$module=n/a"; done
export py_cv_module_readline=n/a
cross=
if [ -n "$build_python" ]; then
  cross="--host=$host --build=$(uname -m)-linux-gnu --with-build-python=$build_python
    ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no ac_cv_buggy_getaddrinfo=no"
fi
# shellcheck disable=SC2086
./configure $cross --prefix=/usr/lib/ecs-anywhere-toolkit --disable-shared --without-static-libpython --without-ensurepip \
  --disable-test-modules --with-openssl="$libraries" --with-openssl-rpath=no --without-readline --with-pkg-config=no \
  MODULE_BUILDTYPE=static CFLAGS="-g0 -fwrapv -Wno-date-time -fPIE -ffile-prefix-map=$work/source=. -ffile-prefix-map=$libraries=." \
  LDFLAGS="-s -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack"
make -j"${JOBS:-2}"
make install DESTDIR="$work/install"
cp -a "$work/install/usr/lib/ecs-anywhere-toolkit/." "${out:?}/"
cp "$work/patches" "$out/patches"
