# The two small VMs. Sourced; needs common.sh and config.sh.
# shellcheck shell=bash disable=SC2154  # state_dir and source_dir are set by who sources this file

readonly kBootSeconds=180

build_guest_image() {
  wait_message "building the guest image (Debian's kernel and busybox)" \
    "$source_dir/deploy/guest/build" "$state_dir/guest" ||
    die "the guest image could not be built; the message above says why"
}

wait_message() {  # wait_message WHAT COMMAND...
  local begin=$SECONDS what=$1
  shift
  echo "$what ..."
  "$@" 9>&- || return 1
  echo "$what: done in $((SECONDS - begin)) s"
}

vm_pid() {  # vm_pid VM: prints the process id of its QEMU; fails when it does not run
  local pid
  pid=$(cat "$state_dir/vms/$1.pid" 2>/dev/null) || return 1
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$state_dir/vms/$1.qmp" || return 1
  echo "$pid"
}

boot_vm() {  # boot_vm VM
  if vm_pid "$1" >/dev/null; then
    echo "$1 runs already"
    return 0
  fi
  "$source_dir/deploy/guest/run-vm" --name "$1" --dir "$state_dir/vms" --image "$state_dir/guest" 9>&- ||
    die "$1 could not be started; the message above says why"
  echo "$1 started"
}

vm_is_booted() {  # vm_is_booted VM: its agent answers the VMM delegate
  vm_pid "$1" >/dev/null || die "the QEMU of $1 ended while it booted" "$state_dir/vms/$1.console"
  run_vbs describe-vms --output json 2>/dev/null |
    json_get "any(v['name'] == '$1' and v['agent'] for v in d['vms'])" 2>/dev/null | grep -qx True
}

wait_for_vms() {  # wait_for_vms VM...
  local vm
  for vm in "$@"; do
    wait_until "waiting until $vm has booted" "$kBootSeconds" vm_is_booted "$vm" ||
      die "$vm does not boot; a very busy machine needs patience: run the quickstart again" "$state_dir/vms/$vm.console"
  done
}

guest_run() {  # guest_run VM SHELL_TEXT
  "$source_dir/deploy/guest/guest-run" --dir "$state_dir/vms" --name "$1" "$2"
}
