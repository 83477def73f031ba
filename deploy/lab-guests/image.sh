# Parts of making the disk images of the lab's guests. Sourced by build and build-xen, which set
# here (this folder), out (the folder for the image) and work (one for what is thrown away).
# shellcheck shell=bash disable=SC2154

# apt speaks English, files are sorted in one order, and the image's are readable, everywhere.
export LC_ALL=C
umask 022

die() { echo "lab-guests/${0##*/}: $*" >&2; exit 1; }

need() {  # need PROGRAM PACKAGE
  command -v "$1" >/dev/null || die "$1 is missing; install the package $2"
}

need_tools() {
  [ "$(uname -m)" = x86_64 ] || die "only x86_64 is supported"
  [ "$(id -u)" -eq 0 ] ||
    die "an image has to be made, by root because its files belong to several users: sudo $0 $out"
  PATH=$PATH:/usr/sbin:/sbin
  need mmdebstrap mmdebstrap; need mke2fs e2fsprogs; need depmod kmod
}

kernel_of() {  # kernel_of METAPACKAGE: the package it stands for
  local package
  package=$(apt-cache depends "$1" | sed -nE 's/^ *Depends: *(linux-image-[0-9].*)$/\1/p' | head -n 1)
  [ -n "$package" ] || die "$1 is unknown to apt; run: apt-get update"
  echo "$package"
}

unpack() {  # unpack PACKAGE FOLDER: without its maintainer scripts
  (cd "$work" && apt-get -q download "$1" >download.log 2>&1) ||
    die "cannot download $1: $(tail -n 1 "$work/download.log")"
  dpkg-deb -x "$work/$1"_*.deb "$2"
}

version_of() {  # version_of PACKAGE: that which unpack takes
  local version
  version=$(apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p')
  [ -n "$version" ] || die "$1 is unknown to apt; run: apt-get update"
  echo "$version"
}

recipe_of() {  # recipe_of FILE_OR_FOLDER...: changes when any of them does, or what may be executed
  {
    find "$@" -type f -print0 | sort -z | xargs -0 sha256sum
    find "$@" -type f -perm /100 | sort
  } | sha256sum | cut -c 1-16
}

# One program at a time makes or looks at what is in a folder, until it ends.
lock_folder() {  # lock_folder FOLDER
  exec 9<"$1"
  flock 9
}

# Owners and modes are the image's own: a clone's depend on who made it, and under which umask.
add_files() {  # add_files FOLDER ROOT
  rm -rf "$work/files"
  cp -a "$1" "$work/files"
  chown -R root:root "$work/files"
  chmod -R u=rwX,go=rX "$work/files"
  cp -a "$work/files/." "$2/"
}

# Nobody needs these in a guest of the lab, and each costs time in an emulated machine.
mask_units() {  # mask_units ROOT [UNIT...]
  local root=$1 unit
  shift
  for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer \
    e2scrub_reap.service systemd-random-seed.service systemd-logind.service systemd-update-utmp.service \
    systemd-update-utmp-runlevel.service systemd-hwdb-update.service systemd-pstore.service \
    getty@tty1.service serial-getty@ttyS0.service dev-hugepages.mount dev-mqueue.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount modprobe@drm.service modprobe@efi_pstore.service \
    lvm2-monitor.service dm-event.socket systemd-user-sessions.service "$@"; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
}

# With a journal: the guests' power is cut.
make_disk() {  # make_disk ROOT SIZE FILE: sparse
  truncate -s "$2" "$3"
  mke2fs -q -F -t ext4 -m 0 -J size=16 -d "$1" "$3"
}
