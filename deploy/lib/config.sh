# The quickstart's folder: configuration, tokens, data, sockets, logs. Sourced; needs common.sh.
# shellcheck shell=bash disable=SC2154  # source_dir and bin_dir are set by who sources this file

readonly kMark=.vbs-quickstart        # tells our folder from one that only has the same name
readonly kMaxStateDir=70              # sockets in it may have 107 characters
readonly kHighestPort=32737           # of the first of four; from 32768 on, outgoing connections take ports

find_state_dir() {  # sets state_dir; ends the program when there is none yet
  locate_state_dir
  [ -e "$state_dir/$kMark" ] ||
    die "there is no quickstart in $state_dir; start one with: $source_dir/deploy/quickstart"
  check_state_dir_is_ours
}

# Somebody else's folder could hold tokens that he knows, and links to what we would overwrite.
check_state_dir_is_ours() {
  [ -O "$state_dir" ] ||
    die "$state_dir belongs to somebody else; choose another folder with VBS_QUICKSTART_DIR"
}

locate_state_dir() {
  state_dir=${VBS_QUICKSTART_DIR:-${HOME:?set HOME or VBS_QUICKSTART_DIR}/.local/state/vbs-quickstart}
  case $state_dir in
    /*) ;;
    *) state_dir=$PWD/$state_dir ;;
  esac
  if [ ${#state_dir} -gt $kMaxStateDir ] || [[ $state_dir = *[!A-Za-z0-9/._-]* ]]; then
    die "the folder '$state_dir' has ${#state_dir} characters. Sockets live in it, so at most
$kMaxStateDir of letters, digits and '/._-' work. Choose another one:
VBS_QUICKSTART_DIR=/var/tmp/vbs $source_dir/deploy/quickstart"
  fi
}

open_state_dir() {  # makes the folder; one quickstart works in it at a time
  umask 077
  locate_state_dir
  if [ -d "$state_dir" ] && [ ! -e "$state_dir/$kMark" ] && [ -n "$(ls -A "$state_dir")" ]; then
    die "$state_dir holds something else; choose another folder with VBS_QUICKSTART_DIR"
  fi
  mkdir -p "$state_dir"
  check_state_dir_is_ours
  [ -z "$(find -H "$state_dir" -maxdepth 0 -perm /022)" ] ||
    die "others may write to $state_dir; take that from them first: chmod go-w $state_dir"
  mkdir -p "$state_dir"/{log,run,vms,db,store}
  : >"$state_dir/$kMark"
  exec 9>"$state_dir/run/lock"
  flock -n 9 || die "another quickstart is at work in $state_dir; wait for it to end"
}

make_tokens() {
  local config=$state_dir line
  [ -s "$config/service-token" ] ||
    head -c 32 /dev/urandom | sha256sum | cut -c 1-64 >"$config/service-token"
  if [ ! -s "$config/tokens" ] || [ ! -s "$config/token" ]; then
    line=$("$bin_dir/vbsd" new-token quickstart admin default 2>"$config/token.new") ||
      die "vbsd cannot make a token: $(cat "$config/token.new")"
    sed -n 's/^token (shown once): //p' "$config/token.new" >"$config/token"
    rm -f "$config/token.new"
    echo "$line" >"$config/tokens"
  fi
}

# The ports of a stack that runs stay; else VBS_QUICKSTART_PORT counts.
choose_ports() {
  if any_daemon_runs && [ -s "$state_dir/run/port" ]; then
    front_port=$(cat "$state_dir/run/port")
  else
    front_port=${VBS_QUICKSTART_PORT:-7700}
    if ! [[ $front_port =~ ^[0-9]{4,5}$ ]] || [ "$front_port" -lt 1024 ] ||
      [ "$front_port" -gt $kHighestPort ]; then
      die "VBS_QUICKSTART_PORT must be a number from 1024 to $kHighestPort"
    fi
    echo "$front_port" >"$state_dir/run/port"
  fi
  volumed_port=$((front_port + 10)) vmmd_port=$((front_port + 20)) portal_port=$((front_port + 30))
}

write_config() {
  make_tokens
  choose_ports
  cat >"$state_dir/vbsd.toml" <<TOML
listen = "127.0.0.1:$front_port"
database = "$state_dir/db/vbs.db"
tokens_file = "$state_dir/tokens"
service_token_file = "$state_dir/service-token"
log_file = "$state_dir/log/vbsd.log"

[[volume_server]]
name = "vs1"
url = "http://127.0.0.1:$volumed_port"

[[vmm]]
name = "hv1"
url = "http://127.0.0.1:$vmmd_port"
TOML
  cat >"$state_dir/vbs-volumed.toml" <<TOML
name = "vs1"
listen = "127.0.0.1:$volumed_port"
token_file = "$state_dir/service-token"
state_dir = "$state_dir/volumed"
log_file = "$state_dir/log/vbs-volumed.log"

[store]
folder = "$state_dir/store"

[target]
portal = "127.0.0.1:$portal_port"
TOML
  cat >"$state_dir/vbs-vmmd.toml" <<TOML
name = "hv1"
listen = "127.0.0.1:$vmmd_port"
token_file = "$state_dir/service-token"
state_dir = "$state_dir/vmmd"
log_file = "$state_dir/log/vbs-vmmd.log"

[hypervisor]
folder = "$state_dir/vms"
TOML
  cat >"$state_dir/vbs.toml" <<TOML
url = "http://127.0.0.1:$front_port"
token_file = "$state_dir/token"
TOML
}

purge_state_dir() {
  rm -rf "$state_dir"
  echo "removed $state_dir"
}
