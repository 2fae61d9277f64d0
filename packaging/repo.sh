#!/bin/sh
# Makes a signed apt repository (DIR/apt) and a signed yum and zypper repository (DIR/rpm) for hosts without internet:
#   repo.sh DIR [FOLDER...]
# of every .deb and .rpm in the folders (default: dist/), for example those of `anywhere artifacts fetch`.
#   REPO_KEY=ID    the key that signs (default: the only secret key of gpg's keyring)
# Needs gpg, apt-ftparchive (apt-utils) and createrepo_c. A DIR that exists is replaced once the new one is complete.
set -eu
[ $# -ge 1 ] || { echo "usage: packaging/repo.sh DIR [FOLDER...]" >&2; exit 2; }
target=$1
shift
[ $# -gt 0 ] || set -- "$(dirname "$0")/../dist"
for program in gpg apt-ftparchive createrepo_c; do
  command -v "$program" >/dev/null || { echo "repo.sh: $program is missing: apt-get install gpg apt-utils createrepo-c" >&2; exit 2; }
done
for folder in "$@"; do
  [ -d "$folder" ] || { echo "repo.sh: $folder is not a folder" >&2; exit 2; }
done
[ ! -e "$target" ] || [ -e "$target/key.asc" ] || { echo "repo.sh: $target exists and is not a repository" >&2; exit 2; }

key=${REPO_KEY:-$(gpg --batch --with-colons --list-secret-keys | awk -F : '$1 == "fpr" && !seen { print $10; seen = 1 }')}
[ -n "$key" ] || { echo "repo.sh: gpg has no secret key: make one with gpg --quick-generate-key, or set REPO_KEY" >&2; exit 2; }
sign() { gpg --batch --yes --quiet --local-user "$key" "$@"; }

mkdir -p "$(dirname "$target")"
target=$(cd "$(dirname "$target")" && pwd)/$(basename "$target")
new=$target.new
rm -rf "$new"
mkdir -p "$new/apt/pool"
trap 'rm -rf "$new"' EXIT

find "$@" -name '*.deb' -exec cp -- {} "$new/apt/pool/" ';'
find "$@" -name '*.rpm' | while read -r package; do
  case "$package" in *aarch64* | *arm64*) arch=aarch64 ;; *) arch=x86_64 ;; esac
  mkdir -p "$new/rpm/$arch"
  cp -- "$package" "$new/rpm/$arch/"
done

apt_repository() (
  cd "$new/apt"
  for arch in amd64 arm64; do
    folder=dists/stable/main/binary-$arch
    mkdir -p "$folder"
    apt-ftparchive --arch "$arch" packages pool >"$folder/Packages"
    gzip -9nk "$folder/Packages"
  done
  apt-ftparchive -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable \
    -o APT::FTPArchive::Release::Components=main -o "APT::FTPArchive::Release::Architectures=amd64 arm64" \
    -o APT::FTPArchive::Release::Label=ecs-anywhere-toolkit release dists/stable >Release
  mv Release dists/stable/
  sign --clearsign --output dists/stable/InRelease dists/stable/Release
  sign --armor --detach-sign --output dists/stable/Release.gpg dists/stable/Release
)

apt_repository
for folder in "$new"/rpm/*; do
  [ -d "$folder" ] || continue
  # gzip: the yum of RHEL 7 reads no zstd.
  createrepo_c --quiet --general-compress-type=gz "$folder"
  sign --armor --detach-sign --output "$folder/repodata/repomd.xml.asc" "$folder/repodata/repomd.xml"
done
gpg --batch --armor --export "$key" >"$new/key.asc"
chmod -R u=rwX,go=rX "$new"
[ ! -e "$target" ] || mv "$target" "$target.old"
mv "$new" "$target"
rm -rf "$target.old"
trap - EXIT
echo "$target: $(find "$target/apt/pool" -name '*.deb' | wc -l) deb and $(find "$target" -name '*.rpm' | wc -l) rpm packages, signed by $key"
