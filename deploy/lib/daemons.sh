# The three services and the target daemon. Sourced; needs common.sh and config.sh.
# shellcheck shell=bash disable=SC2154  # state_dir, ports and bin_dir are set by who sources this

readonly kDaemons=(vbs-volumed vbs-vmmd vbsd)  # in the order of their start
readonly kStopSeconds=20

pid_of() {  # pid_of DAEMON: prints its process id; fails when it does not run
  local pid
  pid=$(cat "$state_dir/run/$1.pid" 2>/dev/null) || return 1
  # Process ids are used again: only one with our configuration in its arguments is ours.
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$state_dir/$1.toml" || return 1
  echo "$pid"
}

any_daemon_runs() {
  local daemon
  for daemon in "${kDaemons[@]}"; do
    if pid_of "$daemon" >/dev/null; then return 0; fi
  done
  return 1
}

tgtd_pid() {  # the tgtd that vbs-volumed started and that outlives it
  local process
  for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = tgtd ] || continue
    if tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -qxF "TGT_IPC_SOCKET=$state_dir/volumed/tgt/control"; then
      echo "${process#/proc/}"
      return 0
    fi
  done
  return 1
}

check_port() {  # check_port PORT WHOSE
  port_is_taken "$1" || return 0
  die "port $1 on 127.0.0.1, which $2 needs, is taken by another program.
Stop that program ('ss -ltnp' names it), or use other ports:
VBS_QUICKSTART_PORT=17700 $source_dir/deploy/quickstart"
}

start_daemon() {  # start_daemon NAME PORT
  local name=$1
  if pid_of "$name" >/dev/null; then
    echo "$name runs already"
    return 0
  fi
  check_port "$2" "$name"
  # Descriptor 9 is the quickstart's lock.
  setsid "$bin_dir/$name" --config "$state_dir/$name.toml" </dev/null \
    >>"$state_dir/log/$name.out" 2>&1 9>&- &
  local pid=$!
  echo "$pid" >"$state_dir/run/$name.pid"
  # Until it has become the daemon, it does not show the daemon's arguments.
  until pid_of "$name" >/dev/null || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  echo "$name started"
}

daemon_log() {  # the log of a daemon, or what it said before it opened its log
  if [ -s "$state_dir/log/$1.out" ]; then echo "$state_dir/log/$1.out"; else echo "$state_dir/log/$1.log"; fi
}

require_running() {
  local daemon
  for daemon in "${kDaemons[@]}"; do
    pid_of "$daemon" >/dev/null ||
      die "$daemon does not run; start the stack with: $source_dir/deploy/quickstart up" "$(daemon_log "$daemon")"
  done
}

run_vbs() { VBS_CONFIG="$state_dir/vbs.toml" "$bin_dir/vbs" "$@"; }

nodes_are_up() {
  local daemon
  for daemon in "${kDaemons[@]}"; do
    pid_of "$daemon" >/dev/null || die "$daemon ended as soon as it was started" "$(daemon_log "$daemon")"
  done
  port_is_taken "$front_port" &&
    run_vbs describe-nodes --output json 2>/dev/null |
    json_get 'all(n["state"] == "up" for n in d["nodes"])' 2>/dev/null | grep -qx True
}

start_daemons() {
  rm -f "$state_dir"/log/*.out
  if ! tgtd_pid >/dev/null; then check_port "$portal_port" "the iSCSI target"; fi
  start_daemon vbs-volumed "$volumed_port"
  start_daemon vbs-vmmd "$vmmd_port"
  start_daemon vbsd "$front_port"
  if ! wait_until "waiting until all nodes are up" 60 nodes_are_up; then
    run_vbs describe-nodes || true
    die "the services do not come up; the table above says which node has which problem" "$state_dir/log/vbsd.log"
  fi
}

stop_process() {  # stop_process PID NAME: SIGTERM, and SIGKILL after a while
  local begin=$SECONDS
  kill "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null && [ $((SECONDS - begin)) -lt $kStopSeconds ]; do sleep 0.1; done
  if kill -9 "$1" 2>/dev/null; then echo "$2 did not end by itself and was killed"; else echo "$2 stopped"; fi
}

stop_everything() {
  local daemon pid
  for pid in "$state_dir"/vms/*.pid; do
    [ -e "$pid" ] || continue
    daemon=$(basename "$pid" .pid)
    if pid=$(vm_pid "$daemon"); then stop_process "$pid" "$daemon"; fi
  done
  for daemon in vbsd vbs-vmmd vbs-volumed; do
    if pid=$(pid_of "$daemon"); then stop_process "$pid" "$daemon"; fi
    rm -f "$state_dir/run/$daemon.pid"
  done
  if pid=$(tgtd_pid); then
    kill -9 "$pid" 2>/dev/null || true  # it ignores SIGTERM, and its last initiators are gone
    echo "tgtd stopped"
  fi
  rm -f "$state_dir"/vms/*.{qmp,qga,shell,pid} "$state_dir"/volumed/tgt/control.*
  echo "Everything is stopped. Data is kept in $state_dir."
}

print_status() {
  local daemon pid
  for daemon in "${kDaemons[@]}"; do
    if pid=$(pid_of "$daemon"); then echo "$daemon: runs, process $pid"; else echo "$daemon: does not run"; fi
  done
  if pid=$(tgtd_pid); then echo "tgtd: runs, process $pid"; else echo "tgtd: does not run"; fi
  if ! pid_of vbsd >/dev/null; then return 0; fi
  for daemon in describe-nodes describe-vms describe-volumes; do show_vbs "$daemon"; done
}

print_logs() {
  local log
  for log in "$state_dir"/log/*.log "$state_dir"/log/*.out "$state_dir"/volumed/tgt/tgtd.log \
    "$state_dir"/vms/*.console; do
    [ -s "$log" ] || continue
    printf '\n== %s\n' "$log"
    tail -n 10 "$log"
  done
}
