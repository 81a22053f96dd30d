#!/bin/sh
# Installs kt, with its gateway, for one user and without root: an environment of its own below
# $HOME/.keeptrusts/releases, and a link to it in $HOME/.keeptrusts/bin. Run again, it brings the
# release that it names, and keeps the one before until the new one works.
#
#   curl -fsSL https://HOST/cli | sh
#
# `make bundle` writes the two values below into a copy of this file. The list of a release
# (kt.lock) must have that SHA-256, and pip takes no file whose own is not in the list.
#
#   KEEPTRUSTS_URL     where kt.lock and the wheel of kt are fetched from; what they need comes from
#                      the package index that pip is set to
#   KEEPTRUSTS_WHEELS  a folder that has all of it: nothing is fetched then
#   PYTHON             an interpreter to prefer; Python 3.11 or newer is needed
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

check_list() {
  [ -f "$files/kt.lock" ] || fail 1 "$files has no kt.lock"
  found=$(sha256 "$files/kt.lock")
  [ "$found" = "$lock_sha256" ] || fail 1 "kt.lock is another one than this script's:" \
    "  its SHA-256 is $found" "  and should be $lock_sha256" "nothing was installed"
}

# The release that $HOME/.keeptrusts/bin/kt leads to; empty where there is none.
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
  case ":${PATH:-}:" in
    *":$root/bin:"*) ;;
    *) echo "now: export PATH=\"\$HOME/.keeptrusts/bin:\$PATH\"" ;;
  esac
}

main() {
  set -eu
  lock_sha256='' # set by make bundle
  released_at='' # set by make bundle
  [ $# -eq 0 ] || fail 2 "it takes no arguments"
  [ -n "${HOME:-}" ] || fail 2 "HOME is not set"
  [ -n "$lock_sha256" ] || fail 2 "this copy names no release; take the one that make bundle writes"
  root=$HOME/.keeptrusts
  url=${KEEPTRUSTS_URL:-$released_at}
  url=${url%/}
  find_python
  before=$(in_use)
  if is_there "$before"; then
    told "there is"
    return
  fi

  mkdir -p "$root/bin" "$root/releases"
  release=$(mktemp -d "$root/releases/XXXXXXXX")
  trap '[ -f "$release/installed" ] || rm -rf "$release"' EXIT
  trap 'exit 1' HUP INT TERM
  files=${KEEPTRUSTS_WHEELS:-}
  if [ -z "$files" ]; then
    files=$release/files
    mkdir "$files"
    fetch kt.lock
    check_list
    version=$(sed -n 's/^keeptrusts==\([0-9A-Za-z.]*\) .*/\1/p' "$files/kt.lock")
    fetch "keeptrusts-$version-py3-none-any.whl"
  else
    files=$(cd "$files" && pwd) || fail 1 "KEEPTRUSTS_WHEELS: there is no such folder"
    check_list
  fi
  install_release
  use_release
  rm -rf "$release/files"
  remove_others
  told "installed"
}

# Nothing runs before all of this file is there: a download that was cut ends above this line.
main "$@"
