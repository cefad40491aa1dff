#!/bin/sh
# Runs a terminal's set-up for real in a Debian 13 root, twice, and asks what it made: some minutes, root, Debian's mirror.
#
#   tools/check_image.sh [WORK] [MACHINE]     WORK keeps the root for the next time; MACHINE: x86_64 or aarch64 (needs qemu-user)
#
# What a chroot can't show: the firmware, a booted systemd, the partition of the data (tests/test_provisioning_setup.py).
set -eu
cd "$(dirname "$0")/.."
work=${1:-$(mktemp -d)}
machine=${2:-x86_64}
case $machine in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) exit 2 ;; esac
root=$work/trixie-$arch
provision=.venv/bin/clafoutis-provision
trap 'umount "$root/data" "$root/proc" 2>/dev/null || true' EXIT

if [ ! -e "$root/.complete" ]; then
    echo "A Debian 13, $arch"
    # What Raspberry Pi OS Lite has beyond the smallest Debian, as far as set-up asks for it.
    rm -rf "$root"
    debootstrap --arch="$arch" --variant=minbase \
        --include=systemd,systemd-sysv,libpam-systemd,udev,dbus,ca-certificates,network-manager,cloud-init,python3-netplan,fdisk,e2fsprogs,passwd,tzdata,login \
        trixie "$root" http://deb.debian.org/debian >"$work/debootstrap.log"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    chroot "$root" useradd --create-home --uid 1000 pi 2>/dev/null || true
    touch "$root/.complete"
fi

echo "A release and a card"
rm -rf "$work/keys" "$work/dist"
"$provision" keys new --caisse flers --out "$work/keys" --no-passphrase 2>/dev/null >/dev/null
release=$(.venv/bin/python -m tools.build_release --machine "$machine" --out "$work/dist" 2>/dev/null)
"$provision" release sign "$release" --root "$work/keys/root" --yes
boot=$root/boot/firmware
rm -rf "$boot"
mkdir -p "$boot"
echo "console=serial0,115200 console=tty1 root=PARTUUID=8acef004-02 rootfstype=ext4 fsck.repair=yes rootwait resize" >"$boot/cmdline.txt"
echo "dtparam=audio=on" >"$boot/config.txt"
touch "$boot/kernel8.img" "$boot/user-data" "$boot/meta-data"
"$provision" terminal image --boot "$boot" --release "$release" --keys "$work/keys/workshop" >/dev/null

mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mkdir -p "$root/data"
mountpoint -q "$root/data" || mount -t tmpfs -o size=1g,mode=755 tmpfs "$root/data"
printf 'PARTUUID=8acef004-01 /boot/firmware vfat defaults 0 2\nPARTUUID=8acef004-02 / ext4 defaults,noatime 0 1\n' >"$root/etc/fstab"
rm -f "$root/etc/cloud/cloud-init.disabled"
cp -L /etc/resolv.conf "$root/etc/resolv.conf.host"
setup() {
    rm -f "$root/etc/resolv.conf"
    cp "$root/etc/resolv.conf.host" "$root/etc/resolv.conf"
    chroot "$root" sh /boot/firmware/clafoutis/release/system/setup/terminal
}
echo "cloud-init's own checker"
chroot "$root" cloud-init schema --config-file /boot/firmware/user-data
chroot "$root" cloud-init schema --schema-type network-config --config-file /boot/firmware/network-config
echo "Set-up, the first time"
setup
state() { (cd "$root" && find etc usr/local opt data -xdev \( -type f -o -type l \) ! -name '*.pyc' ! -path 'etc/resolv.conf*' -printf '%p %m %l\n' | sort && cat etc/fstab etc/clafoutis/terminal.env); }
state >"$work/first"
echo "Set-up, the second time"
setup
state >"$work/second"
diff "$work/first" "$work/second"
echo "Units"
chroot "$root" systemd-analyze verify --man=no --recursive-errors=no clafoutis-terminal.service clafoutis-terminal-sync.service \
    clafoutis-terminal-sync.timer clafoutis-terminal-sync.path clafoutis-terminal-update.service
grep -q ' / ext4 ro,' "$root/etc/fstab"
grep -q '^PARTUUID=8acef004-01 /boot/firmware vfat ro,' "$root/etc/fstab"
chroot "$root" getent passwd pi | grep -q nologin
echo "The program"
chroot "$root" /opt/clafoutis/bin/clafoutis-terminal release show
chroot "$root" setpriv --reuid=clafoutis --regid=clafoutis --clear-groups env CLAFOUTIS_TERMINAL_DATA=/data/terminal/terminal \
    /opt/clafoutis/bin/clafoutis-terminal status || [ $? -eq 1 ]
chroot "$root" /opt/clafoutis/bin/python -I -c "import smartcard.scard, PIL, cbor2, cryptography, textual; print('pyscard', smartcard.__file__)"
echo "Set-up works on Debian 13, $machine, and a second time changes nothing"
