# Debian packages: what is missing of deploy/packages.txt, and how to install it without letting a
# package start its service. Sourced; needs `source_dir`.
# shellcheck shell=bash

readonly kPolicy=/usr/sbin/policy-rc.d

packages_of() {  # packages_of SECTION...: names, one a line
  local section
  for section in "$@"; do
    # shellcheck disable=SC2154  # set by who sources this file
    sed -n "/^\[$section\]/,/^\[/p" "$source_dir/deploy/packages.txt" |
      sed -E 's/#.*//; s/[[:space:]]+$//; /^$/d; /^\[/d'
  done
}

missing_packages() {  # missing_packages SECTION...: names, one a line
  local package
  for package in $(packages_of "$@"); do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      echo "$package"
  done
}

# Debian asks this program before it starts a service: 101 forbids it. One that an administrator
# wrote stays as it is.
install_quietly() {  # install_quietly PACKAGE...
  local own_policy='' result=0
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e "$kPolicy" ]; then
    own_policy=yes
    trap 'rm -f "$kPolicy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$kPolicy"
    chmod 0755 "$kPolicy"
  fi
  # The lists of a fresh machine are empty, or older than what the mirror still has.
  { apt-get -q update && apt-get -q install -y --no-install-recommends "$@"; } </dev/null ||
    result=$?
  if [ -n "$own_policy" ]; then
    rm -f "$kPolicy"
    trap - EXIT
  fi
  return "$result"
}

# The package starts a root tgtd at boot; VBS runs its own.
keep_tgt_off() {
  command -v systemctl >/dev/null && [ -d /run/systemd/system ] || return 0
  systemctl disable --quiet tgt.service 2>/dev/null || true
}

ensure_packages() {  # ensure_packages SECTION...
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "These Debian packages are missing: ${missing[*]}"
    echo "Install them, without starting their services, with:"
    echo
    echo "    sudo $source_dir/deploy/install-packages $*"
    echo
    echo "then run this command again."
    return 1
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  if ! install_quietly "${missing[@]}"; then
    echo "apt-get could not install the packages; its messages are above." >&2
    return 1
  fi
  if [[ " ${missing[*]} " == *" tgt "* ]]; then keep_tgt_off; fi
}
