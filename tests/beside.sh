# What the scripts share that run a command beside servers of their own: tests/servers and tests/galera, which source
# this. Each of them has a temporary folder, a keeper, who is the parent of the servers, and the command.
#
# The script sets
#
#   patience    the seconds that a server has to come up
#   ending      the signal that makes a server end when nobody wants its data any more
#   passing     what a server says (a pattern) when it has ended for a reason that passes, or nothing
#   lasting     the names of the variables that is_up and status_of use
#   remedy      what to do about missing programs where we cannot install them
#
# and defines
#
#   find_programs       sets missing; fails if something is
#   serve NAME OPTION…  becomes the server
#   is_up NAME          does the server answer?
#   status_of NAME      says in a line why it is not up
#   bury                removes what servers leave behind outside of the folder when they were killed
#
# A server's NAME is also that of its folder in ours, and it is a word that a variable's name may contain.
# shellcheck shell=bash disable=SC2034,SC2154

password=hush-hush
zone=America/New_York
grace=15 # seconds for the command to end after a signal; nextest gives its tests 10
me=tests/${0##*/}

usage() { sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0"; }
say() { printf '== %s: %s\n' "${me#*/}" "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$EUID" = 0 ]; }

fail() { # MESSAGE [LOG]
  printf '%s: %s\n' "$me" "$1" >&2
  if [ -s "${2:-}" ]; then
    tail -n 30 "$2" | sed 's/^/  | /' >&2
  fi
  exit 1
}

quiet() { # WHAT COMMAND…: shows what the command said only if it fails
  ("${@:2}") >"$dir/said" 2>&1 </dev/null || fail "$1 failed" "$dir/said"
}

# ---- the folder and the end ----

dir=''       # holds everything that we write
keeper=''    # the process that starts the servers and ends them
command=''   # the process of the command
own_group='' # is the command the leader of a process group?

make_folder() {
  local base=${TMPDIR:-/tmp}
  # The path of a socket is limited to some 100 bytes, and root's folder may be closed to the servers' users.
  if is_root || [ ${#base} -gt 50 ]; then base=/tmp; fi
  dir=$(mktemp -d "$base/vtask-${me#*/}.XXXXXX")
  chmod 711 "$dir"
}

handle_signals() {
  trap clean EXIT
  trap 'interrupted INT 130' INT
  trap 'interrupted TERM 143' TERM
  trap 'interrupted HUP 129' HUP
}

interrupted() { # SIGNAL CODE
  trap '' INT TERM HUP
  [ -z "$command" ] || end_command "$1"
  exit "$2"
}

end_command() { # SIGNAL
  signal_command "$1"
  if ! { gone "$command" "$grace" && gone "-${own_group:-$command}" "$grace"; }; then
    disown "$command" 2>/dev/null || true # so that bash does not report its death
    signal_command KILL
  fi
}

# To the command and to what it has started, as far as that stayed in the same process group.
signal_command() { # SIGNAL
  kill -s "$1" -- "${own_group:+-}$command" 2>/dev/null || true
  # On a terminal the group may be ours too: we ignore the signal, which is impossible with KILL.
  if [ -z "$own_group" ] && [ "$1" != KILL ]; then
    kill -s "$1" -- "-$$" 2>/dev/null || true
  fi
}

clean() {
  trap '' INT TERM HUP
  if [ -n "$keeper" ]; then
    exec 9>&-
    gone "$keeper" 40 || say "process $keeper does not end"
  fi
  [ -z "$dir" ] || rm -rf "$dir"
}

gone() { # WHOM SECONDS: waits until no such process (or, with a minus, group) is left
  local tenths
  for ((tenths = $2 * 10; tenths > 0; tenths--)); do
    kill -0 -- "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# ---- programs ----

missing=() # Debian's names of the packages

one_of() { # NAME…: the path of the first that is there
  local name
  for name; do
    # Servers are where a user's PATH does not always lead.
    PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec" command -v "$name" && return
  done
  return 1
}

install_missing() {
  local sudo=()
  is_root || sudo=(sudo -n)
  if has apt-get && ${sudo[@]+"${sudo[@]}"} true 2>/dev/null; then
    say "installing ${missing[*]} with apt-get"
    # A repository that does not answer need not be the one that has them.
    ${sudo[@]+"${sudo[@]}"} apt-get update >"$dir/said" 2>&1 </dev/null || true
    quiet 'apt-get install' ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${missing[@]}"
  fi
  find_programs || fail "not found: ${missing[*]}. $remedy"
}

become() { # USER COMMAND…: becomes the command, as that user, or as ourselves if it is empty
  local user=$1 how=()
  shift
  cd "$dir"
  if [ -n "$user" ] && [ "$user" != root ]; then
    how=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
  fi
  # Where Linux offers it, a server also ends when its keeper was killed and could not stop it.
  if setpriv --pdeathsig "$ending" true 2>/dev/null; then how=("${how[@]:-setpriv}" --pdeathsig "$ending"); fi
  exec ${how[@]+"${how[@]}"} "$@"
}

# ---- MariaDB ----

accounts() { # one statement a line, as --init-file wants it
  local host
  for host in % localhost; do
    echo "CREATE USER 'vtask'@'$host' IDENTIFIED BY '$password';"
    echo "GRANT ALL PRIVILEGES ON *.* TO 'vtask'@'$host' WITH GRANT OPTION;"
  done
}

ask_mariadb() { # NAME STATEMENT
  env -i MYSQL_PWD="$password" "$mysql" --no-defaults --protocol=socket --socket="$dir/$1/socket" \
    --user=vtask --connect-timeout=5 --batch --skip-column-names --execute="$2"
}

# ---- the keeper ----

# A process beside us, of whom all servers are children, whoever asked for their start. It ends them when nobody holds
# the other end of its pipe any more, that is, even if we were killed. Our end is number 9.
employ_keeper() {
  mkfifo -m 600 "$dir/requests"
  launch "$dir/keeper.log" keep
  keeper=$!
  exec 9>"$dir/requests"
}

launch() { # LOG FUNCTION…: in a process group of its own, where a Ctrl-C does not get
  set -m
  {
    trap - INT TERM HUP
    "${@:2}"
  } >>"$1" 2>&1 </dev/null &
  set +m
  disown
}

keep() {
  local request group
  trap '' INT TERM HUP
  while IFS='' read -r request; do
    eval "set -- $request"
    group=group_of_$1
    end_group "${!group:-}" # its leader has ended, but what that started may be left
    launch "$dir/$1.log" serve "$@"
    printf -v "$group" %s "$!"
    echo "$!" >"$dir/$1.new"
    mv "$dir/$1.new" "$dir/$1.pid"
  done <"$dir/requests"
  for group in ${!group_of_@}; do signal_group "$ending" "${!group}" || true; done
  for group in ${!group_of_@}; do
    gone "-${!group}" 10 || true
    end_group "${!group}"
  done
  bury
  rm -rf "$dir"
}

signal_group() { # SIGNAL GROUP: fails if there is none
  # Its leader may have ended long ago and its number may be somebody else's.
  [ -n "$2" ] || return
  [ ! -e "/proc/$2" ] || grep -q "^PPid:[[:space:]]*$BASHPID\$" "/proc/$2/status" 2>/dev/null || return
  kill -s "$1" -- "-$2" 2>/dev/null || return
  kill -s CONT -- "-$2" 2>/dev/null || true # it may have been stopped
}

end_group() { # GROUP
  ! signal_group KILL "$1" || gone "-$1" 5 || true
}

# ---- start ----

problem='' # why the last attempt failed
seen=0     # the length of the server's log before it

start() { # NAME [OPTION…]: has the keeper start the server, and waits; NAME.start is this too
  attempt "$@" || fail "$problem. The end of its log:" "$dir/$1.log"
}

attempt() { # NAME [OPTION…]
  local pid until=$((SECONDS + patience))
  pid=$(process_of "$1")
  # One that has just been told to end needs a moment.
  [ -z "$pid" ] || gone "$pid" "$grace" || fail "$1 is running, as process $pid"
  request "$@"
  until is_up "$1"; do
    pid=$(process_of "$1")
    if [ "$SECONDS" -ge "$until" ]; then
      problem="$1 did not come up in $patience seconds ($(status_of "$1"))"
      return 1
    elif [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null; then
      sleep 0.1
    elif [ -n "$passing" ] && says "$1" "$passing"; then
      sleep 0.1
      request "$@"
    else
      problem="$1 has ended"
      return 1
    fi
  done
}

request() { # NAME [OPTION…]
  local words
  rm -f "$dir/$1.pid"
  : >>"$dir/$1.log"
  seen=$(wc -c <"$dir/$1.log")
  printf -v words '%q ' "$@"
  # Opened for reading too, as it would wait for a reader otherwise, and a keeper that is about to end is none.
  echo "$words" <>"$dir/requests" >&0
}

process_of() { # NAME
  cat "$dir/$1.pid" 2>/dev/null || true
}

says() { # NAME PATTERN: is that in what the server has said since it was asked for?
  grep -qi -e "$2" <(tail -c "+$((seen + 1))" "$dir/$1.log")
}

offer_start() { # NAME [OPTION…]: writes NAME.start
  {
    echo '#!/usr/bin/env bash'
    echo "# Starts $1 again and waits until it is up."
    echo 'set -euo pipefail'
    declare -p me dir password patience grace passing "${lasting[@]}"
    declare -f # not all are needed, but which are is nobody's worry then
    printf '%q ' start "$@"
    echo '"$@"'
  } >"$dir/$1.start"
  chmod 755 "$dir/$1.start"
}

# ---- run ----

keep_stdin() {
  { : 3<&0; } 2>/dev/null || exec </dev/null # some CIs start us without one
}

run() { # COMMAND…: exits with its code
  if [ -t 0 ]; then beside_terminal "$@"; else in_own_group "$@"; fi
  local code=0
  wait "$command" 2>/dev/null || code=$?
  exit "$code"
}

# Only our own group may read from the terminal. Ctrl-C reaches the command without us, and what it means is the
# command's affair. It is ignored and not caught, because a `wait` that was interrupted cannot be relied on again.
beside_terminal() { # COMMAND…
  launch_command "$@"
  trap '' INT
}

in_own_group() { # COMMAND…: so that a signal reaches all of the family
  set -m
  launch_command "$@"
  own_group=$command
  set +m
}

launch_command() { # COMMAND…
  (
    trap - INT QUIT
    exec 9>&-
    exec "$@"
  ) <&0 &
  command=$!
}
