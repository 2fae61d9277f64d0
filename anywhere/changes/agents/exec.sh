# shellcheck shell=sh
# Unpacks the verified binaries of ECS Exec into FOLDER/VERSION, all of them or none; VERSION is what the SSM agent among
# them says of itself. The agent offers ECS Exec where this folder, the certificates and the folder `config` stand.
# usage: exec ARCHIVE FOLDER
set -eu
umask 022
mkdir -p "$2" "${2%/*}/config"
new=$2/.anywhere-new
rm -rf "$new"
mkdir "$new"
trap 'rm -rf "$new"' EXIT
for name in amazon-ssm-agent ssm-agent-worker ssm-session-worker; do
  tar -xzf "$1" -C "$new" --no-same-owner --no-same-permissions "$name" 2>/dev/null || tar -xzf "$1" -C "$new" --no-same-owner --no-same-permissions "./$name" 2>/dev/null || :
  if [ ! -f "$new/$name" ] || [ -L "$new/$name" ]; then
    echo "the archive holds no $name" >&2
    exit 1
  fi
  chmod 755 "$new/$name"
done
version=$("$new/amazon-ssm-agent" -version | tr -cd '0-9.\n' | head -n 1)
case $version in [0-9]*.*[0-9]) ;; *) echo "the SSM agent of the archive does not say its version" >&2; exit 1 ;; esac
rm -rf "${2:?}/$version"
mv "$new" "$2/$version"
