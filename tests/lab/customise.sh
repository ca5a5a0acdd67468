#!/bin/sh
# mmdebstrap runs this once, with the new root as $1, while apt can still reach the mirror.
set -eu
root=$1
repo=$root/srv/apt-local

# What tests install for real, with whatever those need and the root has not got.
mkdir -p "$repo/partial"
# shellcheck disable=SC2086 # LAB_OFFERED is a list of words
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --yes --download-only \
  -o Dir::Cache::archives="$repo" $LAB_OFFERED
rm -rf "$repo/partial" "$repo/lock"

# A flat repository, indexed by hand: dpkg-scanpackages needs packages a small host may lack.
for deb in "$repo"/*.deb; do
  # A name with an epoch has a %3a in it, which a file: address would decode.
  name=$(dpkg-deb --field "$deb" Package).deb
  mv "$deb" "$repo/.$name"
  dpkg-deb --field "$repo/.$name" >>"$repo/Packages"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$name" "$(stat -c %s "$repo/.$name")" \
    "$(sha256sum "$repo/.$name" | cut -d ' ' -f 1)" >>"$repo/Packages"
done
for deb in "$repo"/.*.deb; do
  mv "$deb" "$repo/${deb#"$repo"/.}"
done
chmod -R a+rX "$root/srv"

# From here on the root knows no mirror.
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
echo 'deb [trusted=yes] file:/srv/apt-local ./' >"$root/etc/apt/sources.list"
chroot "$root" apt-get update

chroot "$root" useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
chmod 0440 "$root/etc/sudoers.d/admin"

# Every host gets a key of its own when it is made.
rm -f "$root"/etc/ssh/ssh_host_*
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
LogLevel VERBOSE
PrintMotd no
END
# Straight to a file: the line is there before the command runs, so counting needs no waiting.
echo 'SSHD_OPTS="-E /var/log/sshd.log"' >"$root/etc/default/ssh"

# The lab gives host0 its address from outside; networkd would ask for one by DHCP.
cat >"$root/etc/systemd/network/80-container-host0.network" <<'END'
[Match]
Name=host0

[Link]
Unmanaged=yes
END
# The clock is the machine's own and no host may set it; chronyd runs without setting it.
mkdir -p "$root/etc/systemd/system/chrony.service.d"
cat >"$root/etc/systemd/system/chrony.service.d/lab.conf" <<'END'
[Unit]
ConditionCapability=

[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS
END
# What a role wants to run here is kept from containers by its vendor, who cannot do much there.
for unit in fstrim.timer irqbalance.service; do
  mkdir -p "$root/etc/systemd/system/$unit.d"
  printf '[Unit]\nConditionVirtualization=\n' >"$root/etc/systemd/system/$unit.d/lab.conf"
done
chroot "$root" systemctl disable fstrim.timer
chroot "$root" systemctl enable systemd-networkd.service
chroot "$root" systemctl mask systemd-networkd-wait-online.service systemd-udevd.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service man-db.timer systemd-tmpfiles-clean.timer

# netplan matches a card by its permanent address and the kernel gives a veth none, so the
# generated match is turned into one by the address the card has.
generate=$root/usr/libexec/netplan/generate
mv "$generate" "$generate.real"
cat >"$generate" <<'END'
#!/bin/bash
# netplan tells by its own name whether systemd called it, so the name is passed on.
(exec -a "$0" /usr/libexec/netplan/generate.real "$@") || exit
case $1 in --root-dir) root=$2 ;; *) root= ;; esac
for file in "$root"/run/systemd/network/*netplan*; do
  [ ! -f "$file" ] || sed -i 's/^PermanentMACAddress=/MACAddress=/' "$file" || exit
done
END
chmod 0755 "$generate"
