#!/bin/sh
# Prepares a machine for the units beside this file, as root: their user, kt and keeptrusts-manage on
# the path, settings in /etc/keeptrusts with a secret key of their own, and the units. Run again, as after an upgrade, it
# brings the units of the checkout, and leaves settings as they are.
#
#   sh /opt/keeptrusts/deploy/systemd/install.sh NAME
#
# NAME is the host name by which people and gateways reach the control plane.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
  '' | *[!A-Za-z0-9.-]*)
    echo "usage: sh install.sh NAME, such as keeptrusts.example.com" >&2
    exit 2
    ;;
esac
if [ "$here" != /opt/keeptrusts/deploy/systemd ] || [ ! -x /opt/keeptrusts/.venv/bin/kt ]; then
  echo "install.sh: the units run what \`make install\` made in /opt/keeptrusts" >&2
  exit 1
fi
id keeptrusts >/dev/null 2>&1 || useradd --system --home-dir /var/lib/keeptrusts keeptrusts
ln -sfn /opt/keeptrusts/.venv/bin/kt /usr/local/bin/kt
ln -sfn /opt/keeptrusts/deploy/systemd/keeptrusts-manage /usr/local/bin/keeptrusts-manage

secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
umask 077
mkdir -p /etc/keeptrusts
for file in control-plane.env gateway.env; do
  if [ ! -e "/etc/keeptrusts/$file" ]; then
    sed "s/^KEEPTRUSTS_SECRET_KEY=$/&$secret/; s/control.example/$1/" "$here/$file" \
      >"/etc/keeptrusts/$file.new"
    mv "/etc/keeptrusts/$file.new" "/etc/keeptrusts/$file"
  fi
done
install -m 644 "$here"/*.service /etc/systemd/system/
systemctl daemon-reload
