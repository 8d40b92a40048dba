#!/bin/sh
# What the packages' own scripts would do, done from outside: nothing of the image is ever run.
# Arguments: the new root, what the image is to be (python or nginx), the machine's certificates.
set -eu
root=$1 kind=$2 certificates=$3

cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
mkdir -p "$root/etc/ssl/certs" "$root/usr/local/bin"
cat "$certificates" > "$root/etc/ssl/certs/ca-certificates.crt"

case $kind in
python)
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  ln -sf /usr/bin/python3 "$root/usr/local/bin/python3"
  ln -sf /usr/bin/python3 "$root/usr/local/bin/python"
  ln -sf /usr/bin/pip3 "$root/usr/local/bin/pip"
  ;;
nginx)
  echo 'nginx:x:101:101:nginx:/nonexistent:/bin/false' >> "$root/etc/passwd"
  echo 'nginx:x:101:' >> "$root/etc/group"
  ;;
esac

# The packages are extracted, not installed, so dpkg has not recorded them.
for deb in "$root"/var/cache/apt/archives/*.deb; do
  dpkg-deb --field "$deb" | sed 's/^Package: .*/&\nStatus: install ok installed/'
  echo
done > "$root/var/lib/dpkg/status"

# Package lists, caches and logs differ from day to day and serve nobody.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*
