#!/bin/bash
# Builds victoria-logs from the source in Debian 13's package of VictoriaMetrics, with Debian's Go, and prints the folder that
# holds it: PATH="$(test/kit/build-victoria-logs.sh):$PATH". Once, into a cache; needs apt, 700 MB of disk and two minutes of a core.
set -eu
dir=${VICTORIA_LOGS_DIR:-${TMPDIR:-/tmp}/victoria-logs}
if [ ! -x "$dir/bin/victoria-logs" ]; then
  mkdir -p "$dir/lists/partial" "$dir/debs/partial" "$dir/bin"
  uri=$(grep -hE '^URIs:' /etc/apt/sources.list.d/*.sources | awk '{print $2}' | grep -v security | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" > "$dir/trixie.list"
  apt="-qq -oDir::Etc::SourceList=$dir/trixie.list -oDir::Etc::SourceParts=/nonexistent -oDir::State::Lists=$dir/lists
    -oDir::Cache::pkgcache= -oDir::Cache::srcpkgcache= -oAPT::Sandbox::User=root"
  apt-get $apt update >&2
  packages="golang-1.24-go golang-1.24-src"
  for name in github-victoriametrics-victoriametrics github-victoriametrics-easyproto github-victoriametrics-metrics \
    github-victoriametrics-fastcache github-victoriametrics-metricsql github-cespare-xxhash github-golang-snappy \
    github-klauspost-compress github-valyala-bytebufferpool github-valyala-fastjson github-valyala-fastrand \
    github-valyala-fasttemplate github-valyala-gozstd github-valyala-histogram github-valyala-quicktemplate golang-x-sys gopkg-yaml.v2; do
    packages="$packages golang-$name-dev"
  done
  (cd "$dir/debs" && apt-get $apt download $packages >&2)
  for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir/root"; done
  (
    cd "$dir/root/usr/share/gocode/src/github.com/VictoriaMetrics/VictoriaMetrics"
    export GOROOT="$dir/root/usr/lib/go-1.24" GOPATH="$dir/root/usr/share/gocode" GOCACHE="$dir/cache"
    export GO111MODULE=off GOFLAGS= CGO_ENABLED=0
    "$GOROOT/bin/go" build -o "$dir/bin/victoria-logs" ./app/victoria-logs >&2
  )
  rm -rf "$dir/debs" "$dir/lists" "$dir/root" "$dir/cache"
fi
echo "$dir/bin"
