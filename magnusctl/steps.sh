# The steps of a job: each in a session of its own, with a guard, a time limit, and a way back.

# within SECONDS MODE ARGUMENT: run this file in MODE; past its time all of its session is killed. Sets _code, and _out
# to the file of what it printed.
within() {
  rm -f "late.$$"
  _out=$2.$3
  [ "$2" != step ] || _out=out.$3
  # A way back must not depend on a place for its words. What is cut in between goes on at its end.
  rm -f "$_out"
  true >>"$_out" 2>/dev/null || _out=/dev/null
  export MAGNUS_RUNNER=$$
  (again "$2" "$3") </dev/null >>"$_out" 2>&1 &
  _child=$!
  _who=$(identity $_child)
  (guard_time "$1" "$_who") </dev/null >/dev/null 2>&1 &
  _dog=$!
  # A signal to this shell ends a wait before its time.
  while
    wait $_child
    _code=$?
    kill -0 $_child 2>/dev/null
  do :; done
  # What ignored the first signal is killed before the guard goes home.
  [ ! -e "late.$$" ] || kill_session KILL $_child
  [ "$2" = closing ] || cut_output "$_out"
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
    [ "$_left" -ge "$_nap" ] || _nap=$_left
    sleep "$_nap"
    _left=$((_left - _nap))
    case $_out in closing.*) ;; *) cut_output "$_out" ;; esac
    # shellcheck disable=SC2086 # three words
    lives $2 || return 0
  done
  true >"late.$$"
  kill_session TERM "$_child"
  sleep 5
  kill_session KILL "$_child"
}

why_failed() { # CODE SECONDS
  if [ -e "late.$$" ]; then echo "timeout $2"; elif [ "$1" -gt 128 ]; then echo signal; else echo "exit"; fi
}

# closed N: a step of the guarded stage, which is being taken back already
closed() { case "$GUARDED" in *" $1 "*) [ ! -e pending ] ;; *) return 1 ;; esac; }

# run_step N SECONDS NEEDS RESTORES: guard, then do. A step that failed stops those that need it, not the others;
# what it needs changed in vain is put back.
run_step() {
  if [ -e cancel ] || [ -n "$UNARMED" ] || closed "$1"; then
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
  true >"started.$1"
  within "$2" step "$1"
  if [ $_code = 0 ]; then
    event ok "$1"
    return
  fi
  FAILED="$FAILED $1"
  if [ -e "conflict.$1" ]; then
    event conflict "$1"
  else
    event failed "$1" $_code "$(why_failed $_code "$2")"
  fi
  tell_output "$1"
  # Whoever had no room for its words had none for its work either.
  if [ ! -s "$_out" ] || grep -q 'No space left' "$_out"; then ready; fi
  for _back in $4; do put_back "$_back"; done
}

put_back() { # N
  if [ ! -e "started.$1" ] || [ -e "conflict.$1" ]; then return 0; fi
  within 300 undo "$1"
  if [ $_code = 0 ]; then
    event undone "$1"
  else
    event undo-failed "$1" $_code "$(why_failed $_code 300)"
    tell_output "$1"
    return 1
  fi
}

# known: `step` names this process before it does anything, so that whoever finds its runner dead, and no step, may go
# on. One that had lost its runner by then does nothing.
known() {
  identity $$ >step
  [ -n "$(started_at "$MAGNUS_RUNNER")" ]
}

# one_step N: in a process of its own, so that its end is the end of all that it started
one_step() {
  STEP=$1
  if ! guard_"$1"; then
    true >"conflict.$1"
    exit 1
  fi
  keep_"$1" && do_"$1"
}

# cut_output FILE: of what is too long for a journal only the end is kept
cut_output() {
  [ "$(wc -c <"$1")" -gt 1048576 ] || return 0
  _end=$(tail -c 65536 "$1" | tr -d '\0')
  printf '%s\n' "$_end" >"$1"
}

# tell_output N: the last lines of what a step or its way back printed; more of it stays in the job's folder.
tell_output() {
  tail -c 65536 "$_out" | tail -n 20 | while IFS= read -r _line || [ -n "$_line" ]; do
    case $_line in
    *[!\ -~]*) event said "$1" x "$(printf '%s' "$_line" | cut -c 1-2000 | tr -d '\n' | od -An -v -tx1 | tr -d ' \n')" ;;
    *) event said "$1" . "$(printf '%s' "$_line" | cut -c 1-4000)" ;;
    esac
  done
}
