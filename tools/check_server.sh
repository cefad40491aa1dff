#!/bin/sh
# Installs the service for real in the Debian 13 root that tools/check_image.sh made, twice, removes it, and looks what is left.
#
#   tools/check_server.sh WORK     the folder given to tools/check_image.sh
set -eu
cd "$(dirname "$0")/.."
root=$1/trixie-amd64
trap 'umount "$root/srv" "$root/proc" 2>/dev/null || true' EXIT
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mkdir -p "$root/srv"
mountpoint -q "$root/srv" || mount --bind "$PWD" "$root/srv"
rm -f "$root/etc/resolv.conf" "$root/opt/clafoutis"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# Whom this machine trusts, behind whose mirror of PyPI it may be.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/tmp/trusted.pem"
export PIP_CERT=/tmp/trusted.pem SSL_CERT_FILE=/tmp/trusted.pem
! chroot "$root" sh /srv/systemd/server/install "no name" || exit 1
chroot "$root" sh /srv/systemd/server/install caisse.example.org
rm -rf "$1/server-keys" "$root/var/lib/clafoutis-server/keys"
.venv/bin/clafoutis-provision keys new --caisse flers --out "$1/server-keys" --no-passphrase >/dev/null 2>&1
.venv/bin/clafoutis-provision keys install --bundle "$1/server-keys/service" --into "$root/var/lib/clafoutis-server/keys" >/dev/null
chroot "$root" chown -R clafoutis-server: /var/lib/clafoutis-server/keys
chroot "$root" sh /srv/systemd/server/install caisse.example.org
chroot "$root" systemd-analyze verify --man=no --recursive-errors=no clafoutis-server.service clafoutis-server-jobs.service clafoutis-server-jobs.timer
as_service() {
    chroot "$root" setpriv --reuid=clafoutis-server --regid=clafoutis-server --clear-groups env CLAFOUTIS_SERVER_DATA=/var/lib/clafoutis-server \
        CLAFOUTIS_HOSTS=caisse.example.org /opt/clafoutis/bin/clafoutis-server "$@"
}
as_service migrate >/dev/null 2>&1
as_service owed
chroot "$root" sh /srv/systemd/server/remove
[ ! -e "$root/opt/clafoutis" ] && [ ! -e "$root/etc/systemd/system/clafoutis-server.service" ]
[ -e "$root/var/lib/clafoutis-server/keys" ] && [ -e "$root/etc/clafoutis/server.env" ]
ls "$root/var/lib/clafoutis-server"
rm -rf "$root/var/lib/clafoutis-server" "$root/etc/clafoutis/server.env"
echo "The service installs, runs its commands, and leaves its data when it goes"
