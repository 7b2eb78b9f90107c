#!/usr/bin/env bash
# build.sh NAME: builds the Go tool test/e2e/tools/NAME unless that was done before, and prints the directory of its programs.
# build.sh: builds all tools, and prints nothing.
#
# Each tool is a module of its own, because their requirements conflict. What is built lies outside the tree, in
# ${XDG_CACHE_HOME:-~/.cache}/oci-source-controller-e2e/NAME-HASH, where HASH covers the sources of the tool and the Go version:
# a second run takes a moment, a changed go.mod builds anew. Needs Go 1.26 or newer (GO=PATH names another one).
set -eu
if [ $# -eq 0 ]; then
	rc=0
	for tool in "$(dirname "$0")"/*/go.mod; do
		tool=${tool%/go.mod}
		bash "$0" "${tool##*/}" >/dev/null || { echo "build.sh: ${tool##*/} could not be built" >&2; rc=1; }
	done
	exit $rc
fi
[ $# -eq 1 ] || { echo "usage: build.sh [NAME]" >&2; exit 2; }
name=$1
here=$(cd "$(dirname "$0")/$name" && pwd)
go=${GO:-go}
command -v "$go" >/dev/null || [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go
export GO=$go
command -v "$go" >/dev/null || { echo "build.sh: the end-to-end tools need Go 1.26 or newer, and there is no '$go' in PATH" >&2; exit 1; }

# A tool's own go.mod decides; never download another Go.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off
version=$("$go" env GOVERSION)
case $version in
go1.2[6-9]*|go1.[3-9][0-9]*|go[2-9]*) ;;
*) echo "build.sh: the end-to-end tools need Go 1.26 or newer, this is $version" >&2; exit 1 ;;
esac

ldflags='-s -w'
[ "$name" != kube-apiserver ] || ldflags="$ldflags -X k8s.io/component-base/version.gitVersion=$(awk '$1 == "k8s.io/kubernetes" {print $2}' "$here/go.mod")"
hash=$({ echo "$version $ldflags"; cd "$here" && find . -type f \( -name '*.go' -o -name go.mod -o -name go.sum -o -name build \) -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/oci-source-controller-e2e
out=$cache/$name-$hash

if [ ! -e "$out/done" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/$name.lock"
	flock 9
	if [ ! -e "$out/done" ]; then
		echo "building $name with $version (once; minutes on a small machine)" >&2
		rm -rf "$cache/$name"-*
		mkdir -p "$out"
		cd "$here"
		# A folder with Go files is the program; one without names its programs in go.mod's `tool` lines, or has a script that builds.
		what=tool
		[ -z "$(find . -maxdepth 1 -name '*.go' -print -quit)" ] || what=.
		[ ! -e build ] || { what=; ./build "$out" >&2; }
		[ -z "$what" ] || for package in $("$go" list $what); do
			nice "$go" build -buildvcs=false -trimpath -ldflags "$ldflags" -o "$out/" "$package" >&2
		done
		touch "$out/done"
	fi
fi
echo "$out"
