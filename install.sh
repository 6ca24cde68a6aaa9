#!/bin/sh
# Installs a release of seatrial: install.sh [FOLDER], by default /usr/local/bin.
#
#   SEATRIAL_VERSION   the release, such as v1.2.0 (default: the latest)
#   SEATRIAL_SHA256    the digest that the archive must have (default: the one in the release's checksums.txt)
#   SEATRIAL_RELEASES  where releases are (default: those of the project on GitHub)
#
# Where there is no release for this machine, Go builds the program, which takes some minutes.
set -eu
folder=${1:-/usr/local/bin}
releases=${SEATRIAL_RELEASES:-https://github.com/seatrial/seatrial/releases}
version=${SEATRIAL_VERSION:-latest}

fetch() { curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"; }

digest() { # of a file
	if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
MINGW* | MSYS* | CYGWIN*) os=windows ;;
*) os=$(uname -s) ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
case $os in
windows) archive=seatrial_${os}_$arch.zip program=seatrial.exe ;;
*) archive=seatrial_${os}_$arch.tar.gz program=seatrial ;;
esac
case $version in
latest) url=$releases/latest/download ;;
*) url=$releases/download/$version ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$folder"

if fetch "$url/$archive" "$tmp/$archive" 2>"$tmp/problem"; then
	wanted=${SEATRIAL_SHA256:-}
	if [ -z "$wanted" ]; then
		fetch "$url/checksums.txt" "$tmp/checksums.txt"
		wanted=$(awk -v name="$archive" '$2 == name { print $1 }' "$tmp/checksums.txt")
	fi
	found=$(digest "$tmp/$archive")
	if [ "$found" != "$wanted" ]; then
		echo "install.sh: $url/$archive has the SHA-256 digest $found, want ${wanted:-one in checksums.txt}" >&2
		exit 1
	fi
	case $archive in
	*.zip) unzip -q "$tmp/$archive" "$program" -d "$tmp" ;;
	*) tar -xzf "$tmp/$archive" -C "$tmp" "$program" ;;
	esac
	install -m 0755 "$tmp/$program" "$folder/$program"
elif [ -n "${SEATRIAL_SHA256:-}" ]; then
	echo "install.sh: cannot download the release whose digest is given: $(cat "$tmp/problem")" >&2
	exit 1
elif command -v go >/dev/null; then
	echo "install.sh: no release for $os/$arch ($(tail -n 1 "$tmp/problem")); building with Go, which takes some minutes" >&2
	CGO_ENABLED=0 GOBIN=$(cd "$folder" && pwd) go install "github.com/seatrial/seatrial/cmd/seatrial@$version"
else
	echo "install.sh: no release for $os/$arch ($(tail -n 1 "$tmp/problem")), and no Go to build one" >&2
	exit 1
fi
