#!/bin/sh
# Installs kt, with its gateway, for one user and without root: an environment of its own below
# $HOME/.keeptrusts/releases, and a link to it in $HOME/.keeptrusts/bin. Run again, it brings the
# release that it names, and keeps the one before until the new one works.
#
#   curl -fsSL https://HOST/cli | sh
#   curl -fsSL https://HOST/cli | sh -s -- gateway
#
# The second, as root, for a machine that has a gateway alone: kt below /opt/keeptrusts-gateway, linked
# as /usr/local/bin/kt, the unit keeptrusts-gateway.service, and its settings if there are none yet.
#
# `make bundle` writes the values in `main` into a copy of this file. The list of a release (kt.lock)
# and the unit must have these SHA-256, and pip takes no file whose own is not in the list.
#
#   KEEPTRUSTS_URL          where kt.lock and the wheel of kt are fetched from; what they need comes
#                           from the package index that pip is set to
#   KEEPTRUSTS_WHEELS       a folder that has all of it: nothing is fetched then
#   KEEPTRUSTS_RELEASE_KEY  the public key, as `make bundle` prints it, that has to have signed the
#                           release. A copy without values installs whatever release that key signed
#   PYTHON                  an interpreter to prefer; Python 3.11 or newer is needed
#
# Exit codes: 0 it is installed, 1 it could not be, 2 the usage is wrong.

fail() {
  status=$1
  shift
  printf 'get.sh: %s\n' "$@" >&2
  exit "$status"
}

has_venv() {
  "$1" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if has_venv "$candidate"; then
      python=$candidate
      return
    fi
  done
  fail 1 "no Python 3.11 or newer with venv on the PATH. On Debian and Ubuntu:" \
    "  apt install python3-venv" "PYTHON=/path/to/python names one that is elsewhere"
}

sha256() {
  "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

# fetch NAME: a file of the release, into $files.
fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 -o "$files/$1" "$url/$1" || fail 1 "$url/$1 cannot be fetched; see above"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$files/$1" "$url/$1" || fail 1 "$url/$1 cannot be fetched"
  else
    fail 1 "curl or wget is needed"
  fi
}

# check NAME SHA256: that a file of the release is the one that is meant.
check() {
  [ -f "$files/$1" ] || fail 1 "$files has no $1"
  found=$(sha256 "$files/$1")
  [ "$found" = "$2" ] || fail 1 "$1 is another one than this release's:" \
    "  its SHA-256 is $found" "  and should be $2" "nothing was installed"
}

# take NAME SHA256: the same, fetched where no folder was given.
take() {
  [ "$files" != "$scratch" ] || fetch "$1"
  check "$1" "$2"
}

# The list of all hashes is beside the folder of wheels; openssl says whether the key signed it.
read_signed() {
  command -v openssl >/dev/null 2>&1 || fail 1 "KEEPTRUSTS_RELEASE_KEY: openssl is needed"
  signed=$scratch/signed
  mkdir "$signed"
  for one in SHA256SUMS SHA256SUMS.sig; do
    if [ "$files" != "$scratch" ]; then
      cp "${files%/wheels}/$one" "$signed/" || fail 1 "this release is not signed"
    else
      (url=${url%/wheels} files=$signed && fetch "$one") || fail 1 "this release is not signed"
    fi
  done
  printf '%s\n' '-----BEGIN PUBLIC KEY-----' "$KEEPTRUSTS_RELEASE_KEY" '-----END PUBLIC KEY-----' \
    >"$signed/key"
  openssl pkeyutl -verify -pubin -inkey "$signed/key" -rawin -in "$signed/SHA256SUMS" \
    -sigfile "$signed/SHA256SUMS.sig" >/dev/null 2>&1 ||
    fail 1 "KEEPTRUSTS_RELEASE_KEY did not sign this release; nothing was installed"
}

# signed_sha256 NAME SHA256: of a file by the signed list. One that this script names must be the same.
signed_sha256() {
  said=$(sed -n "s|^\([0-9a-f]\{64\}\)  wheels/$1\$|\1|p" "$signed/SHA256SUMS")
  [ -n "$said" ] || fail 1 "the signed list has no $1"
  [ -z "$2" ] || [ "$2" = "$said" ] ||
    fail 1 "$1: the signed list and this script name two; nothing was installed"
  echo "$said"
}

# The release that bin/kt leads to; empty where there is none.
in_use() {
  link=$(readlink "$root/bin/kt" 2>/dev/null) || return 0
  case $link in
    ../releases/*/venv/bin/kt)
      link=${link#../releases/}
      echo "$root/releases/${link%%/*}"
      ;;
  esac
}

runs() {
  "$1/venv/bin/kt" --version >/dev/null 2>&1 &&
    "$1/venv/bin/python" -I -c 'import kt.gateway.run' >/dev/null 2>&1
}

is_there() {
  [ -n "$1" ] && [ "$(cat "$1/installed" 2>/dev/null)" = "$lock_sha256" ] && runs "$1"
}

install_release() {
  "$python" -m venv "$release/venv" || fail 1 "$release/venv cannot be made; see above"
  set -- --quiet --no-input --disable-pip-version-check --require-hashes --only-binary :all: \
    --find-links "$files" --requirement "$files/kt.lock"
  if [ -n "${KEEPTRUSTS_WHEELS:-}" ]; then
    set -- --no-index "$@"
  fi
  "$release/venv/bin/python" -m pip install "$@" || fail 1 "pip cannot install it; see above"
  runs "$release" || fail 1 "what was installed does not run"
  echo "$lock_sha256" >"$release/installed"
}

# A link is replaced as a whole: whoever calls kt meanwhile gets the old one or the new one.
use_release() {
  ln -s "../releases/${release##*/}/venv/bin/kt" "$release/link"
  mv -f "$release/link" "$root/bin/kt"
}

# Processes may still run from the release before, so it stays until the next one comes. What has
# no end after a day is what was killed on its way.
remove_others() {
  for other in "$root"/releases/*; do
    case $other in
      "$release" | "$before") continue ;;
    esac
    if [ -f "$other/installed" ] || [ -n "$(find "$other" -prune -mtime +0)" ]; then
      rm -rf "$other"
    fi
  done
}

told() {
  echo "$1 $("$root/bin/kt" --version) as $root/bin/kt"
  case "$for_gateway:${PATH:-}:" in
    true:* | *":$root/bin:"*) ;;
    *) echo "now: export PATH=\"\$HOME/.keeptrusts/bin:\$PATH\"" ;;
  esac
}

check_machine() {
  [ "$(id -u)" = 0 ] || fail 1 "a gateway's unit is installed by root"
  [ -d /run/systemd/system ] || fail 1 "systemd does not run here"
  case $(readlink /usr/local/bin/kt || [ ! -e /usr/local/bin/kt ] || echo another) in
    "" | "$root/bin/kt") ;;
    *) fail 1 "/usr/local/bin/kt is another one; move it away" ;;
  esac
}

# What an operator wrote stays; the unit is the release's.
install_unit() {
  ln -sfn "$root/bin/kt" /usr/local/bin/kt
  install -D -m 644 "$files/$unit" "/etc/systemd/system/$unit"
  [ -e /etc/keeptrusts/gateway.env ] ||
    install -D -m 600 "$files/gateway.env" /etc/keeptrusts/gateway.env
  systemctl daemon-reload
  echo "next: set /etc/keeptrusts/gateway.env, put KEEPTRUSTS_GATEWAY_TOKEN=… into" \
    "/etc/keeptrusts/gateway.token, then: systemctl enable --now ${unit%.service}"
}

main() {
  set -eu
  lock_sha256='' # set by make bundle
  unit_sha256='' # set by make bundle
  settings_sha256='' # set by make bundle
  released_at='' # set by make bundle
  unit=keeptrusts-gateway.service
  case $* in
    '') for_gateway=false ;;
    gateway) for_gateway=true ;;
    *) fail 2 "it takes no arguments, or the word gateway" ;;
  esac
  [ -n "${HOME:-}" ] || fail 2 "HOME is not set"
  [ -n "$lock_sha256${KEEPTRUSTS_RELEASE_KEY:-}" ] ||
    fail 2 "this copy names no release; take the one that make bundle writes"
  root=$HOME/.keeptrusts
  if $for_gateway; then
    root=/opt/keeptrusts-gateway
    umask 022 # The unit's user is another.
    check_machine
  fi
  url=${KEEPTRUSTS_URL:-$released_at}
  url=${url%/}
  release=
  find_python
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"; [ -z "$release" ] || [ -f "$release/installed" ] || rm -rf "$release"' EXIT
  trap 'exit 1' HUP INT TERM
  files=$scratch
  if [ -n "${KEEPTRUSTS_WHEELS:-}" ]; then
    files=$(cd "$KEEPTRUSTS_WHEELS" && pwd) || fail 1 "KEEPTRUSTS_WHEELS: there is no such folder"
  fi
  if [ -n "${KEEPTRUSTS_RELEASE_KEY:-}" ]; then
    read_signed
    lock_sha256=$(signed_sha256 kt.lock "$lock_sha256")
    unit_sha256=$(signed_sha256 "$unit" "$unit_sha256")
    settings_sha256=$(signed_sha256 gateway.env "$settings_sha256")
  fi
  if $for_gateway; then
    take "$unit" "$unit_sha256"
    take gateway.env "$settings_sha256"
  fi

  before=$(in_use)
  if is_there "$before"; then
    told "there is"
  else
    take kt.lock "$lock_sha256"
    if [ "$files" = "$scratch" ]; then
      version=$(sed -n 's/^keeptrusts==\([0-9A-Za-z.]*\) .*/\1/p' "$files/kt.lock")
      fetch "keeptrusts-$version-py3-none-any.whl"
    fi
    mkdir -p "$root/bin" "$root/releases"
    release=$(mktemp -d "$root/releases/XXXXXXXX")
    if $for_gateway; then
      chmod 755 "$release"
    fi
    install_release
    use_release
    remove_others
    told "installed"
  fi
  if $for_gateway; then
    install_unit
  fi
}

# Nothing runs before all of this file is there: a download that was cut ends above this line.
main "$@"
