#!/bin/sh
# One deb and one rpm. Usage: packages.sh ARCH TREE PAGES SBOM NFPM VERSION EPOCH LICENSES
set -eu
arch=$1 tree=$2 pages=$3 sbom=$4 nfpm=$5 version=$6 epoch=$7 licenses=$8
stage=$(mktemp -d "${cache:?}/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT
export SOURCE_DATE_EPOCH="$epoch"

# documents TYPE FOLDER FILE...: one entry of nfpm each, as it expands no pattern for these types.
documents() {
  type=$1 folder=$2
  shift 2
  for file in "$@"; do
    printf '  - src: %s\n    dst: %s/%s\n    type: %s\n    packager: rpm\n' "$file" "$folder" "${file##*/}" "$type"
  done
}

put() { install -D -m "$1" "$2" "$stage/files/$3"; }

cp -a "$tree" "$stage/tree"
put 755 packaging/anywhere usr/bin/anywhere
for unit in packaging/systemd/*; do put 644 "$unit" "usr/lib/systemd/system/${unit##*/}"; done
# rpm marks documentation and licences one by one; deb takes the same two folders whole.
put 644 packaging/copyright ../doc/copyright
put 644 "$sbom" ../doc/sbom.cdx.json
put 644 CHANGELOG.md ../doc/changelog
gzip -9n "$stage/doc/changelog"
mkdir "$stage/doc/licenses"
if [ -n "$licenses" ]; then
  for text in "$licenses"/*; do put 644 "$text" "../doc/licenses/${text##*/}"; done
fi
for page in "$pages"/*.1; do
  put 644 "$page" "../man/${page##*/}"
  gzip -9n "$stage/man/${page##*/}"
done
put 644 "$pages/anywhere.bash" usr/share/bash-completion/completions/anywhere
install -m 644 "$pages/_anywhere" "$stage/zsh"
put 644 "$pages/anywhere.fish" usr/share/fish/vendor_completions.d/anywhere.fish
cp packaging/lintian-overrides "$stage/"
cat >"$stage/changelog.yaml" <<END
- semver: $version-1
  date: $(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
  packager: ecs-anywhere-toolkit maintainers <maintainers@ecs-anywhere-toolkit.invalid>
  deb:
    urgency: medium
    distributions:
      - stable
  changes:
    - note: See /usr/share/doc/ecs-anywhere-toolkit/changelog.gz.
END
doc=/usr/share/doc/ecs-anywhere-toolkit
{
  documents license "$doc" "$stage/doc/copyright"
  documents doc "$doc" "$stage/doc/changelog.gz" "$stage/doc/sbom.cdx.json"
  # shellcheck disable=SC2046
  documents license "$doc/licenses" $(find "$stage/doc/licenses" -type f | sort)
  documents doc /usr/share/man/man1 "$stage"/man/*
} >"$stage/documents.yaml"
find "$stage" -exec touch -h -d "@$epoch" {} +
case "$arch" in x86_64) package_arch=amd64 ;; aarch64) package_arch=arm64 ;; esac
sed -e "/@DOCUMENTS@/{r $stage/documents.yaml" -e "d}" packaging/nfpm.yaml |
  sed -e "s|@STAGE@|$stage|; s|@VERSION@|$version|; s|@PACKAGE_ARCH@|$package_arch|" \
    -e "s|@PACKAGE_DATE@|$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)|; s|@SIGNING_KEY_FILE@|${SIGNING_KEY_FILE:-}|" \
    >"$stage/nfpm.yaml"
for kind in deb rpm; do "$nfpm" package -f "$stage/nfpm.yaml" -p "$kind" -t "${out:?}"; done
