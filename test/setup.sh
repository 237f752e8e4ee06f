#!/usr/bin/env bash
# Installs what the tests, the linter and the benchmarks need and what is not there yet. Nothing to do takes a moment.
#
# usage: test/setup.sh [servers] [linter] [bench]     without a name: servers and linter
#
#   servers  nginx, curl, aws, rclone, redis-server, haproxy, chromium, ss and a C compiler (for -race) from Debian's
#            packages; MinIO and versitygw built from source into .cache/bin
#   linter   staticcheck, into .cache/bin
#   bench    nginx, varnishd, haproxy, wrk, redis-server, taskset, ss and aws from Debian's packages; MinIO
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Pinned: a tool is built again only when its line here changes.
minio=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2

# A command that must be there, and the Debian packages that bring it.
commands=(
	"nginx nginx"
	"curl curl"
	"aws awscli"
	"rclone rclone"
	"redis-server redis-server"
	"haproxy haproxy"
	"chromium chromium fonts-dejavu-core"
	"ss iproute2"
	"gcc gcc libc6-dev"
)
bench_commands=(
	"nginx nginx"
	"varnishd varnish"
	"haproxy haproxy"
	"wrk wrk"
	"redis-server redis-server"
	"taskset util-linux"
	"ss iproute2"
	"aws awscli"
)

bin=$PWD/.cache/bin
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # a user's PATH on Debian lacks them, nginx is there

say() { echo "setup: $*" >&2; }
die() {
	say "$*"
	exit 1
}

# Prints those of the entries given whose command is not there.
missing() {
	local entry
	for entry in "$@"; do
		command -v "${entry%% *}" >/dev/null || echo "$entry"
	done
}

# Without the lock's descriptor: a package may start a daemon, which would keep it.
apt_get() {
	local as=()
	if [ "$(id -u)" -ne 0 ]; then as=(sudo); fi
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >&2 9>&-
}

# Installs the packages given. The package lists are fetched only if they are not good enough.
install_packages() {
	local by_hand="install these yourself and run this again: $*"
	command -v apt-get >/dev/null || die "there is no apt-get here; $by_hand"
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || die "not root and no sudo; $by_hand"
	say "installing $*"
	apt_get install -y --no-install-recommends "$@" && return
	say "once more with fresh package lists"
	apt_get update || die "apt-get update did not work (see above): is there a network? Or $by_hand"
	apt_get install -y --no-install-recommends "$@" || die "apt-get install did not work (see above); $by_hand"
}

# Installs what the entries given lack.
debian_packages() {
	local lacking packages
	lacking=$(missing "$@")
	[ -n "$lacking" ] || return 0
	packages=$(cut -d ' ' -f 2- <<<"$lacking")
	# shellcheck disable=SC2086 # one word is one package
	install_packages $packages
	lacking=$(missing "$@" | cut -d ' ' -f 1)
	[ -z "$lacking" ] || die "the packages are installed, and yet these commands are not in PATH:" $lacking
}

# go_tool NAME PACKAGE@VERSION HINT builds NAME into .cache/bin unless that version is there. It runs outside of the
# repository, so that neither go.mod nor a workspace has a say.
go_tool() {
	local name=$1 want=$2 hint=$3 stamp=$bin/.$1.version
	if [ -x "$bin/$name" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then return; fi
	say "building $want ($hint)"
	rm -f "$stamp"
	(cd / && GOFLAGS='' GOWORK=off GOOS='' GOARCH='' GOBIN=$bin go install "$want") ||
		die "$name could not be built (see above): it needs the network the first time, and 4 GB of disk for the build cache"
	echo "$want" >"$stamp"
}

servers() {
	debian_packages "${commands[@]}"
	go_tool minio "$minio" "about 4 minutes the first time"
	go_tool versitygw "$versitygw" "about 1 minute the first time"
}

linter() {
	go_tool staticcheck "$staticcheck" "some seconds the first time"
}

bench() {
	debian_packages "${bench_commands[@]}"
	go_tool minio "$minio" "about 4 minutes the first time"
}

command -v go >/dev/null || die "Go is not in PATH: install 1.26 or newer from https://go.dev/dl"
mkdir -p "$bin"
if command -v flock >/dev/null; then # two runs at once: the second waits
	exec 9>"$bin/.lock"
	flock 9
fi

[ $# -gt 0 ] || set -- servers linter
for what in "$@"; do
	case $what in
	servers | linter | bench) "$what" ;;
	*) die "unknown name $what (servers, linter, bench)" ;;
	esac
done
