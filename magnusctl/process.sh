# Who still lives: a process is known by boot, pid and start time, because a pid alone comes again.
BOOT=$(boot_now)

# started_at PID: when it started, in words of this system; nothing for one that is gone
started_at() {
  if [ -r "/proc/$1/stat" ]; then
    read -r _stat <"/proc/$1/stat" || return 0
    # shellcheck disable=SC2086 # the name before the last ")" may hold blanks; the rest are numbers
    set -- ${_stat##*) }
    case $1 in Z | X) ;; *) printf '%s\n' "${20}" ;; esac
  elif [ ! -r /proc/self/stat ]; then
    TZ=UTC0 ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '-'
  fi
}

# identity PID: "BOOT PID START"
identity() { printf '%s %s %s\n' "$BOOT" "$1" "$(started_at "$1")"; }

# lives BOOT PID START
lives() { [ -n "$3" ] && [ "$1" = "$BOOT" ] && [ "$(started_at "$2")" = "$3" ]; }

# lives_in FILE: the process that wrote its identity there
lives_in() {
  _boot_of='' _pid_of='' _start_of=''
  [ ! -r "$1" ] || read -r _boot_of _pid_of _start_of <"$1" || :
  lives "$_boot_of" "$_pid_of" "$_start_of"
}

# job_lives FOLDER: its runner, or a step that outlived its runner
job_lives() { lives_in "$1/pid" || lives_in "$1/step"; }

# now_s: seconds that no change of the clock moves, where the system has such
now_s() {
  if [ -r /proc/uptime ]; then
    read -r _up _ </proc/uptime
    printf '%s\n' "${_up%%.*}"
  else
    date +%s
  fi
}

kill_session() { # SIGNAL PID
  # A session may hold more than one group: timeout(1) makes one.
  for _stat in /proc/[0-9]*/stat; do
    read -r _line 2>/dev/null <"$_stat" || continue
    # shellcheck disable=SC2086 # state, parent, group, session: what comes before them may hold blanks
    set -- "$1" "$2" ${_line##*) }
    if [ "$6" = "$2" ]; then kill -s "$1" "${_line%% *}" 2>/dev/null; fi
  done
  kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null || :
}
