#!/bin/sh
# One static library for the interpreter. Usage: library.sh NAME SOURCE-FOLDER HOST
# Hidden symbols: a wheel that carries its own copy of libffi or zlib must not get the interpreter's.
set -eu
name=$1 source=$2 host=$3 prefix=${out:?}
PATH=${compiler:?}:$PATH
work=$(mktemp -d "${cache:?}/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
dpkg-source --no-check -x "$source"/*.dsc "$work/source"
cd "$work/source"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -STimestamp)
export SOURCE_DATE_EPOCH
# CXX=no: configure would have the C++ library compiled for a test of its own, and nothing here is C++.
export CC=anywhere-cc CXX=no AR=anywhere-ar RANLIB=anywhere-ranlib
export CFLAGS="-O2 -fPIC -g0 -fvisibility=hidden -ffile-prefix-map=$work=. -ffile-prefix-map=$prefix=."
jobs=-j${JOBS:-2}
case "$name" in
  zlib)
    CHOST=$host ./configure --static --prefix="$prefix"
    make "$jobs" install
    ;;
  bzip2)
    make "$jobs" libbz2.a CC="$CC" AR="$AR" RANLIB="$RANLIB" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64"
    mkdir -p "$prefix/lib" "$prefix/include"
    cp libbz2.a "$prefix/lib/"
    cp bzlib.h "$prefix/include/"
    ;;
  xz-utils)
    ./configure --host="$host" --prefix="$prefix" --disable-shared --disable-xz --disable-xzdec --disable-lzmadec \
      --disable-lzmainfo --disable-lzma-links --disable-scripts --disable-doc --disable-nls
    make "$jobs" install
    ;;
  libffi)
    autoreconf -fi
    ./configure --host="$host" --prefix="$prefix" --disable-shared --disable-docs --disable-multi-os-directory --with-pic
    make "$jobs" install
    ;;
  openssl)
    unset CFLAGS
    case "$host" in x86_64-*) target=linux-x86_64 ;; *) target=linux-aarch64 ;; esac
    # Its own name and flags go into the version text: neither may hold a path.
    ./Configure "$target" no-shared no-apps no-tests no-docs no-module no-legacy no-engine \
      --prefix=/usr --libdir=lib --openssldir=/etc/ssl -O2 -fPIC -g0 -fvisibility=hidden
    make "$jobs" build_libs
    make install_dev DESTDIR="$work/install"
    cp -a "$work/install/usr/." "$prefix/"
    ;;
esac
