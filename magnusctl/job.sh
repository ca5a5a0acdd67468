# What a job adds to the prelude: a journal, steps in sessions of their own with guards and time limits.
# It runs in the job's own folder, detached from whoever started it. JOB is its id.
MAGNUS_SH=${MAGNUS_SH:-/bin/sh}
STARTED=$STATE/started
FAILED=
BOOTING=${BOOTING:-}
MY_LOCK=

# event WORD [ARGUMENT...]: a line of the journal, which is what everybody follows.
# The reserve is there so that a full disk still lets the journal tell of it.
event() {
  _event="$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"
  printf '%s\n' "$_event" >>journal 2>/dev/null || {
    rm -f reserve
    printf '%s\n' "$_event" >>journal
  }
}

# tell_output N: the last lines of what a step printed; all of it stays in the job's folder.
tell_output() {
  tail -n 20 "out.$1" | while IFS= read -r _line || [ -n "$_line" ]; do
    case $_line in
    *[!\ -~]*) event said "$1" x "$(printf '%s' "$_line" | cut -c 1-2000 | od -An -v -tx1 | tr -d ' \n')" ;;
    *) event said "$1" . "$(printf '%s' "$_line" | cut -c 1-4000)" ;;
    esac
  done
}

# in_session COMMAND...: become it, as the leader of a session, or at least of a process group.
in_session() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; fi
  if command -v perl >/dev/null 2>&1; then exec perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' -- "$@"; fi
  exec nohup "$@"
}

# again MODE [ARGUMENT]: this very file once more, in another mode
again() { in_session $MAGNUS_SH "$PWD/job" "$1" "$ROOT" "$LOGIN" "$2"; }

# detach MODE: run this file in MODE where no cut link, no logout and no restart of sshd ends it
detach() {
  if [ "$OS$ROOT$UID_NOW" = Linux0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    systemd-run --quiet --collect --no-block --unit="magnus-$1-$JOB" -p KillMode=process \
      --setenv=MAGNUS_SH="$MAGNUS_SH" --setenv=HOME="${HOME:-/root}" -- \
      $MAGNUS_SH "$PWD/job" "$1" "$ROOT" "$LOGIN" </dev/null >/dev/null 2>&1 && return
  fi
  (again "$1") </dev/null >/dev/null 2>&1 &
}

kill_session() { # SIGNAL PID
  kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null || :
}

# within SECONDS MODE ARGUMENT: run this file in MODE; past its time all of its session is killed. Sets _code.
within() {
  rm -f "late.$$"
  (again "$2" "$3") </dev/null >"out.$3" 2>&1 &
  _child=$!
  identity $_child >step
  (guard_time "$1" "$(cat step)") </dev/null >/dev/null 2>&1 &
  _dog=$!
  # A signal to this shell ends a wait before its time.
  while
    wait $_child
    _code=$?
    kill -0 $_child 2>/dev/null
  do :; done
  # What ignored the first signal is killed before the guard goes home.
  [ ! -e "late.$$" ] || kill_session KILL $_child
  # It is gone at once only by a signal that nothing can miss: one that comes while it begins is lost otherwise.
  kill -s KILL $_dog 2>/dev/null
  wait $_dog 2>/dev/null
  rm -f step
}

# guard_time SECONDS IDENTITY: end the session of a step that takes longer. It naps in short parts, because a nap may
# outlive whoever took it, and because a pid comes again.
guard_time() {
  _left=$1 _nap=2
  while [ "$_left" -gt 0 ]; do
    [ "$_left" -ge $_nap ] || _nap=$_left
    sleep $_nap
    _left=$((_left - _nap))
    # shellcheck disable=SC2086 # three words
    lives $2 || return 0
  done
  true >"late.$$"
  kill_session TERM $_child
  sleep 5
  kill_session KILL $_child
}

why_failed() { # CODE
  if [ -e "late.$$" ]; then echo timeout; elif [ "$1" -gt 128 ]; then echo signal; else echo "exit"; fi
}

# run_step N SECONDS NEEDS RESTORES: guard, then do. A step that failed stops those that need it, not the others;
# what it needs changed in vain is put back.
run_step() {
  if [ -e cancel ]; then
    FAILED="$FAILED $1"
    event cancelled "$1"
    return
  fi
  for _need in $3; do
    case " $FAILED " in *" $_need "*)
      FAILED="$FAILED $1"
      event skip "$1" "$_need"
      return
      ;;
    esac
  done
  event start "$1"
  : >"started.$1"
  within "$2" step "$1"
  if [ $_code = 0 ]; then
    event ok "$1"
    return
  fi
  FAILED="$FAILED $1"
  if [ -e "conflict.$1" ]; then
    event conflict "$1"
  else
    event failed "$1" $_code "$(why_failed $_code)"
  fi
  tell_output "$1"
  for _back in $4; do put_back "$_back"; done
}

put_back() { # N
  [ -e "started.$1" ] && [ ! -e "conflict.$1" ] || return 0
  within 300 undo "$1"
  if [ $_code = 0 ]; then
    event undone "$1"
  else
    event undo-failed "$1" $_code "$(why_failed $_code)"
    tell_output "$1"
    return 1
  fi
}

# one_step N: in a process of its own, so that its end is the end of all that it started
one_step() {
  STEP=$1
  if ! guard_"$1"; then
    : >"conflict.$1"
    exit 1
  fi
  keep_"$1" && do_"$1"
}

# origin ID RECORD: what a thing was before this tool first changed it; the first word stands
origin() {
  [ ! -e "$STATE/origin/$1" ] || return 0
  mkdir -p "$STATE/origin" && printf '%s\n' "$2" >"$STATE/origin/.$1.$$" &&
    mv -f "$STATE/origin/.$1.$$" "$STATE/origin/$1"
}

# forget_start ID: from now on this has to be started again, whatever happens to this job.
forget_start() { rm -f "$STARTED/$1"; }

# remember_start ID DIGEST
remember_start() {
  mkdir -p "$STARTED" || return 1
  printf '%s\n' "$2" >"$STARTED/.$1.$$" && mv -f "$STARTED/.$1.$$" "$STARTED/$1"
}

# audit RESULT: one line of JSON for every beginning and every end, for whoever asks later
audit() {
  _ok=$(grep -c ' ok ' journal) _bad=$(grep -c ' failed ' journal)
  printf '{"time":"%s","job":"%s","result":"%s","ok":%d,"failed":%d,"about":%s}\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$JOB" "$1" "$_ok" "$_bad" "$(cat about)" >>"$STATE/audit.jsonl"
}

# bury FOLDER: a job that died must not leave a payload, a temporary file or an open question
bury() {
  rm -rf "$1/payload" "$1/files"
  collect_temporary "$1" yes >/dev/null
  [ -e "$1/pending" ] || [ -e "$1/reverting" ] || return 0
  if lives_in "$1/timer"; then return 1; fi
  event reverting-job "${1##*/}"
  (cd "$1" && $MAGNUS_SH ./job revert "$ROOT" "$LOGIN" died </dev/null >/dev/null 2>&1)
}

bury_dead() {
  for _folder in "$STATE"/jobs/*; do
    [ "$_folder" != "$STATE/jobs/$JOB" ] && [ -e "$_folder/pid" ] && [ ! -e "$_folder/over" ] || continue
    job_lives "$_folder" || { bury "$_folder" && : >"$_folder/over"; }
  done
}

# room_for KILOBYTES DIRECTORY...: fails before the first step where a step would fail for want of space or of writing
room_for() {
  _need=$1
  shift
  for _dir in "$@"; do
    shift
    _dir=$ROOT$_dir
    until [ -d "${_dir:-/}" ]; do _dir=${_dir%/*}; done
    _dir=${_dir:-/}
    [ -w "$_dir" ] || {
      event read-only "$_dir"
      return 1
    }
    set -- "$@" "$_dir"
  done
  _short=$(df -Pk "$STATE" "$@" 2>/dev/null | awk -v need="$_need" 'NR > 1 && $4 < need { print need, $4, $NF; exit }')
  [ -z "$_short" ] || {
    event no-space "$_short"
    return 1
  }
}

# run_job TOTAL OWNER WAIT: the steps, with the lock in hand; the closing probe always runs, and tells what is.
run_job() {
  trap '' PIPE HUP
  trap ': >cancel' TERM INT
  # For what it writes itself; every step begins with the umask of the prelude.
  umask 077
  exec </dev/null >>noise 2>&1
  identity $$ >pid
  dd if=/dev/zero of=reserve bs=4096 count=16 2>/dev/null || {
    event no-space 64 0 "$STATE"
    end_job refused
    return
  }
  if ! take_lock "$2" "$3"; then
    end_job refused
    return
  fi
  bury_dead
  if ! ready; then
    end_job refused
    return
  fi
  event begin "$1"
  audit begun
  steps
  NONCE=
  closing >answers 2>>noise || {
    rm -f reserve
    closing >answers
  }
  rm -rf payload files
  _result=ok
  case $FAILED in ?*) _result=failed ;; esac
  [ ! -e cancel ] || _result=cancelled
  [ ! -e reverted ] || _result=reverted
  [ ! -e revert-failed ] || _result=revert-failed
  audit "$_result"
  collect 100 yes >/dev/null 2>&1
  end_job $_result
}

end_job() { # RESULT
  rm -rf payload files reserve was would unit sshd.* objections.* block.* old.*
  [ -z "$MY_LOCK" ] || unlock
  event end "$1"
  : >over
}

launch() { # NONCE
  NONCE="$1 "
  detach main
  follow "$JOB" 0
}
