#!/bin/sh
# Makes the secrets of compose.yaml, in the folder `secrets` beside it. What is there stays.
#
# A file is put into a container as it is, and read there by a user that this machine does not know:
# so all may read the files, and nobody but the owner may enter the folder.
set -eu
umask 077
mkdir -p "$(dirname "$0")/secrets"
cd "$(dirname "$0")/secrets"

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# keep NAME TEXT: a file with the text, whole or not at all.
keep() {
  printf '%s\n' "$2" >"$1.new"
  chmod 444 "$1.new"
  mv "$1.new" "$1"
}

if [ ! -e secret-key ]; then
  keep secret-key "$(random)"
fi
# The url comes first: a file that is there says that both are.
if [ ! -e postgres-password ]; then
  password=$(random)
  keep database-url "postgresql://keeptrusts:$password@postgres/keeptrusts"
  keep postgres-password "$password"
fi
if [ ! -e redis.conf ]; then
  password=$(random)
  keep redis-url "redis://:$password@redis:6379/0"
  # Hints alone are in it, which may be lost: nothing is written to disk.
  keep redis.conf "$(printf 'requirepass %s\nsave ""\nappendonly no' "$password")"
fi
