# Talking to the person in front of the quickstart. Sourced.
# shellcheck shell=bash

step() { printf '\n== %s\n' "$*"; }

die() {  # die MESSAGE [LOG]: what went wrong and what to do; the end of a log, where there is one
  printf '\nquickstart: %s\n' "$1" >&2
  if [ -n "${2-}" ] && [ -s "$2" ]; then
    printf '\nThe last lines of %s:\n\n' "$2" >&2
    tail -n 15 "$2" >&2
  fi
  exit 1
}

# wait_until WHAT SECONDS COMMAND...: repeats COMMAND until it succeeds, with a live line on a
# terminal. Fails after SECONDS.
wait_until() {
  local what=$1 limit=$2 begin=$SECONDS
  shift 2
  until "$@"; do
    if [ $((SECONDS - begin)) -ge "$limit" ]; then
      [ ! -t 1 ] || printf '\n'
      return 1
    fi
    [ ! -t 1 ] || printf '\r%s ... %d s ' "$what" $((SECONDS - begin))
    sleep 0.2
  done
  [ ! -t 1 ] || printf '\r'
  printf '%s: done in %d s\n' "$what" $((SECONDS - begin))
}

port_is_taken() {  # port_is_taken PORT: somebody listens there on loopback
  (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

json_get() {  # json_get PYTHON_EXPRESSION: of the JSON document `d` on standard input
  python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}
