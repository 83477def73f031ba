# The main job, command by command. Sourced; needs the other parts.
# shellcheck shell=bash disable=SC2154  # state_dir, bin_dir are set by who sources this file

readonly kTag=purpose=quickstart  # what the demo made, so that it can clean up after itself

show_vbs() {  # show_vbs ARGUMENT...: prints the command and runs it
  printf '\n$ vbs'
  printf ' %s' "$@"
  printf '\n'
  run_vbs "$@" ||
    die "'vbs $1' failed; its message is above. More is in the log." "$state_dir/log/vbsd.log"
}

show_guest() {  # show_guest VM SHELL_TEXT
  printf '\n%s# %s\n' "$1" "$2"
  guest_run "$1" "$2" || die "the command failed inside $1" "$state_dir/vms/$1.console"
}

guest_disk() {  # guest_disk VOLUME: the name that the guest gave its disk
  run_vbs describe-volume "$1" --output json | json_get 'd["attachments"][0]["guest_device"]'
}

nothing_is_going_on() { [ -z "$(run_vbs describe-operations --live --quiet)" ]; }

# Whatever an interrupted demo left: found by its tag, removed through the service.
clean_up_leftovers() {
  local id vm
  if ! nothing_is_going_on; then
    wait_until "waiting for operations that are still going on" 120 nothing_is_going_on ||
      die "operations do not end; see what they wait for:
VBS_CONFIG=$state_dir/vbs.toml $bin_dir/vbs describe-operations --live" "$state_dir/log/vbsd.log"
  fi
  for vm in vm1 vm2; do guest_run "$vm" 'umount /mnt/demo 2>/dev/null || true' >/dev/null || true; done
  for id in $(run_vbs describe-volumes --tag "$kTag" --state in-use --quiet); do
    run_vbs detach-volume "$id" --force --quiet >/dev/null || die "a disk of an earlier demo cannot be detached"
  done
  for id in $(run_vbs describe-volumes --tag "$kTag" --quiet); do
    run_vbs delete-volume "$id" --quiet >/dev/null || die "a volume of an earlier demo cannot be deleted"
  done
  for id in $(run_vbs describe-snapshots --tag "$kTag" --quiet); do
    run_vbs delete-snapshot "$id" --quiet >/dev/null || die "a snapshot of an earlier demo cannot be deleted"
  done
}

demo() {
  local disk written read_back
  step "The main job"
  clean_up_leftovers
  show_vbs create-volume --size 64M --name demo-data --tag "$kTag"
  show_vbs attach-volume demo-data --vm vm1
  disk=$(guest_disk demo-data)
  show_guest vm1 "mkfs.ext4 -q $disk && mkdir -p /mnt/demo && mount $disk /mnt/demo && df -h /mnt/demo"
  show_guest vm1 "dd if=/dev/urandom of=/mnt/demo/file bs=1M count=8 2>/dev/null && sha256sum /mnt/demo/file"
  written=$(guest_run vm1 'sha256sum /mnt/demo/file')

  show_vbs create-snapshot demo-data --name demo-point --tag "$kTag"
  show_guest vm1 "echo 'written after the snapshot' >/mnt/demo/file && umount /mnt/demo"
  show_vbs detach-volume demo-data

  show_vbs create-volume --from-snapshot demo-point --name demo-copy --tag "$kTag"
  show_vbs attach-volume demo-copy --vm vm2
  disk=$(guest_disk demo-copy)
  show_guest vm2 "mkdir -p /mnt/demo && mount $disk /mnt/demo && sha256sum /mnt/demo/file"
  read_back=$(guest_run vm2 'sha256sum /mnt/demo/file')
  [ "$written" = "$read_back" ] ||
    die "the checksums differ: vm1 wrote '$written', vm2 read '$read_back'"
  printf '\nThe file that vm1 wrote is what vm2 reads: %s\n' "${read_back%% *}"

  describe_everything
  show_guest vm2 "umount /mnt/demo"
  show_vbs detach-volume demo-copy
  show_vbs delete-volume demo-copy
  show_vbs delete-snapshot demo-point
  show_vbs delete-volume demo-data
  show_vbs usage
  printf '\nThe main job is done.\n'
}

describe_everything() {
  show_vbs describe-volumes
  show_vbs describe-volume demo-copy
  show_vbs describe-snapshots
  show_vbs describe-snapshot demo-point
  show_vbs describe-operations --limit 5
  show_vbs describe-vms
}
