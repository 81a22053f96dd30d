#!/usr/bin/env bash
# Installs kt for one user, without root, with what kt gateway run needs: a virtual environment in
# $HOME/.keeptrusts/venv, and kt linked into $HOME/.keeptrusts/bin, which is all that has to be on
# the PATH. To be run again at will: it then brings what is there up to date.
#
#   install.sh [SOURCE]
#
# SOURCE is a checkout or anything else that pip takes, such as git+https://host/project.git; it
# may also stand in KEEPTRUSTS_SOURCE. Without either it is the checkout that holds this script.
# PYTHON names an interpreter to prefer; Python 3.11 or newer is needed.
#
# Exit codes: 0 installed, 1 it could not be installed, 2 the usage is wrong.
set -euo pipefail

readonly NEEDS='import ensurepip, sys; sys.exit(sys.version_info < (3, 11))'

fail() {
  echo "install.sh: $2" >&2
  exit "$1"
}

find_source() {
  local checkout
  checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  if [[ -n "${1:-${KEEPTRUSTS_SOURCE:-}}" ]]; then
    echo "${1:-$KEEPTRUSTS_SOURCE}"
  elif [[ -f "$checkout/pyproject.toml" && -d "$checkout/kt" ]]; then
    echo "$checkout"
  else
    fail 2 "from where? give a checkout or what pip takes, as argument or in KEEPTRUSTS_SOURCE"
  fi
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c "$NEEDS" >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  fail 1 "no Python 3.11 or newer with venv on the PATH; PYTHON=/path/to/python names one"
}

# An extra can be asked of a wheel, whatever its source was. Its version may be that of what is
# there, which pip would keep.
install_from() {
  local pip=("$root/venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
  rm -rf "$root/wheel"
  "${pip[@]}" wheel --no-deps --wheel-dir "$root/wheel" "$1" &&
    "${pip[@]}" install --no-deps --force-reinstall "$root"/wheel/*.whl &&
    "${pip[@]}" install "$(echo "$root"/wheel/*.whl)[gateway]"
}

main() {
  (($# <= 1)) || fail 2 "one source at most, and here are $#"
  [[ -n "${HOME:-}" ]] || fail 2 "HOME is not set"
  local source python root="$HOME/.keeptrusts"
  source=$(find_source "$@")
  python=$(find_python)
  # An environment whose interpreter was removed or whose making was cut short is made anew.
  if ! "$root/venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear "$root/venv" || fail 1 "$root/venv cannot be made; see above"
  fi
  install_from "$source" || fail 1 "pip cannot install $source; see above"
  "$root/venv/bin/kt" --version >/dev/null || fail 1 "$source brings no kt that runs"
  mkdir -p "$root/bin"
  ln -sf ../venv/bin/kt "$root/bin/kt"
  echo "installed $("$root/bin/kt" --version) as $root/bin/kt"
  case ":$PATH:" in
    *":$root/bin:"*) ;;
    *) echo "now: export PATH=\"\$HOME/.keeptrusts/bin:\$PATH\"" ;;
  esac
}

main "$@"
