#!/bin/sh
# What the packages install below /usr/lib/ecs-anywhere-toolkit: interpreter, wheels, this project, all as byte code.
# Usage: tree.sh ARCH INTERPRETER WHEELS DISTRIBUTIONS COMPILING-PYTHON
set -eu
interpreter=$2 wheels=$3 own=$4 compiling=$5
installed=/usr/lib/ecs-anywhere-toolkit
version=$(basename "$interpreter"/lib/python3.*) # python3.13
mkdir -p "${out:?}/bin" "$out/lib"
cp -L "$interpreter/bin/$version" "$out/bin/python3"
cp -a "$interpreter/lib/$version" "$out/lib/"
# A ready interpreter may come with libraries of its own.
find "$interpreter/lib" -maxdepth 1 -name 'lib*.so*' -exec cp -a {} "$out/lib/" ';'
library=$out/lib/$version packages=$out/lib/$version/site-packages
# Without a use here: what teaches, tests and debugs, and the slow doubles of what is compiled.
for name in ensurepip idlelib tkinter turtledemo turtle.py pydoc_data pydoc.py venv test unittest doctest.py pdb.py _pyrepl \
  mailbox.py imaplib.py poplib.py ftplib.py smtplib.py wave.py profile.py cProfile.py pstats.py trace.py \
  pickletools.py xmlrpc wsgiref sqlite3 curses dbm _pydecimal.py _pydatetime.py _pyio.py site-packages; do
  rm -rf "${library:?}/$name"
done
rm -rf "$library"/config-* "$library"/lib-dynload/_test* "$library"/lib-dynload/*_tkinter*
mkdir -p "$packages"
for wheel in "$wheels"/*.whl "$own"/*.whl; do python3 -m zipfile -e "$wheel" "$packages"; done
# botocore describes every service of AWS; these are the ones that are asked.
find "$packages/botocore/data" -mindepth 1 -maxdepth 1 -type d | grep -vE '/(ecs|ssm|sts|iam|sso|sso-oidc|signin)$' | xargs -r rm -rf
find "$packages/botocore/data" -name 'examples-*' -delete
rm -rf "$packages"/*/tests "$packages"/*/test "${packages:?}"/bin "$packages"/*.data
# Lists of files with their checksums, for an installer that takes a library out again.
find "$packages" -path '*.dist-info/RECORD' -delete
# What compiles C, fetches Apple's headers, or is for an editor.
find "$packages" -name '*.h' -delete
rm -rf "${packages:?}/cffi" "$packages/typer/.agents" "$library/ctypes/macholib/fetch_macholib"
# Time zones for systems that have none; all times here are UTC.
rm -f "$packages"/dateutil/zoneinfo/*.tar.gz
find "$out" -type d -name __pycache__ -prune -exec rm -rf {} +
# What names the folder of the build is of use only to compile against this interpreter.
find "$library" -name '_sysconfigdata*.py' -exec sed -i "s|${cache:?}/[^' \"]*|/build|g" {} +
find "$out" -name '*.so*' -type f -exec "$1-linux-gnu-strip" --strip-unneeded {} +
cd "$out"
# compiled FOLDER OPTION...
compiled() {
  folder=$1
  shift
  PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 "$compiling" -m compileall -q -b --invalidation-mode unchecked-hash \
    -s "$out" -p "$installed" "$@" "$folder"
}
compiled "$packages"
# The standard library without docstrings: half a MiB less.
compiled "$library" -o 2 -x /site-packages/
find "$out" '(' -name '*.py' -o -name '*.pyi' ')' -delete
find "$out" -type d -empty -delete
# The interpreter warns at each start where this folder is not; its own modules are inside it.
if [ ! -d "$library/lib-dynload" ]; then
  mkdir "$library/lib-dynload"
  echo "All modules are inside the interpreter." >"$library/lib-dynload/README"
fi
find "$out" -type f -exec chmod 644 {} +
chmod 755 "$out/bin/python3"
find "$out" -exec touch -h -d @0 {} +
