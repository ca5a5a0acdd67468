# What a job adds to the prelude: a journal, sessions that outlive whoever began them, its begin and its end.
# It runs in the job's own folder, detached from whoever started it. JOB is its id.
MAGNUS_SH=${MAGNUS_SH:-/bin/sh}
STARTED=$STATE/started
FAILED=
BOOTING=${BOOTING:-}
MY_LOCK=

# event WORD [ARGUMENT...]: a line of the journal, which is what everybody follows.
# The reserve is there so that a full disk still lets the journal tell of it; a line may have begun before it was full.
event() {
  _event="$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"
  printf '%s\n' "$_event" >>journal 2>/dev/null || {
    rm -f reserve
    _begun=
    [ -z "$(tail -c 1 journal)" ] || _begun=$(tail -n 1 journal)
    printf '%s\n' "${_event#"$_begun"}" >>journal
  }
}

# in_session COMMAND...: become it, as the leader of a session, or at least of a process group.
in_session() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; fi
  if command -v perl >/dev/null 2>&1; then exec perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' -- "$@"; fi
  exec nohup "$@"
}

# again MODE [ARGUMENT]: this very file once more, in another mode
# shellcheck disable=SC2086 # the shell may have options
again() { in_session $MAGNUS_SH "$PWD/job" "$1" "$ROOT" "$LOGIN" "$2"; }

# detach MODE: run this file in MODE where no cut link, no logout and no restart of sshd ends it
detach() {
  if [ "$OS$ROOT$UID_NOW" = Linux0 ] && [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
    # A systemd from before 2019 knows no policy for what the kernel kills.
    for _policy in "-p OOMPolicy=continue" ""; do
      # shellcheck disable=SC2086
      systemd-run --quiet --collect --no-block --unit="magnus-$1-$JOB" -p KillMode=process -p IgnoreSIGPIPE=no $_policy \
        --setenv=MAGNUS_SH="$MAGNUS_SH" --setenv=HOME="${HOME:-/root}" -- \
        $MAGNUS_SH "$PWD/job" "$1" "$ROOT" "$LOGIN" </dev/null >/dev/null 2>&1 && return
    done
  fi
  (again "$1") </dev/null >/dev/null 2>&1 &
}

# begins FILE: whether what was detached shows there that it lives; a busy host may take long
begins() {
  _by=$(($(now_s) + 20))
  until lives_in "$1"; do
    [ "$(now_s)" -lt $_by ] || return 1
    sleep 0.05
  done
}

# origin ID RECORD: what a thing was before this tool first changed it; the first word stands
origin() {
  [ ! -s "$STATE/origin/$1" ] || return 0
  whole origin "$1" "$(cat order) $2"
}

# forget_start ID: from now on this has to be started again, whatever happens to this job.
forget_start() { rm -f "$STARTED/$1"; }

# remember_start ID DIGEST
remember_start() { whole started "$1" "$2"; }

# audit RESULT: one line of JSON for every beginning and every end, for whoever asks later
audit() {
  _ok=$(grep -c '^[^ ]* ok ' journal) _bad=$(grep -c '^[^ ]* failed ' journal)
  # A line that a full disk cut must not spoil the next one.
  [ -z "$(tail -c 1 "$STATE/audit.jsonl" 2>/dev/null)" ] || echo >>"$STATE/audit.jsonl"
  printf '{"time":"%s","job":"%s","result":"%s","ok":%d,"failed":%d,"about":%s}\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$JOB" "$1" "$_ok" "$_bad" "$(cat about)" >>"$STATE/audit.jsonl"
}

# bury FOLDER: a job that died must not leave a payload, a temporary file or an open question
bury() {
  tidy "$1"
  collect_temporary "$1" yes >/dev/null
  if [ ! -e "$1/pending" ] && [ ! -e "$1/reverting" ]; then return 0; fi
  if lives_in "$1/timer"; then return 1; fi
  event reverting-job "${1##*/}"
  (cd "$1" && $MAGNUS_SH ./job revert "$ROOT" "$LOGIN" died </dev/null >/dev/null 2>&1)
  [ -e "$1/reverted" ] || [ -e "$1/confirmed" ] || event unreverted "${1##*/}"
  # What was not even tried is tried by the next job.
  [ ! -e "$1/pending" ] && [ ! -e "$1/reverting" ]
}

bury_dead() {
  for _folder in "$STATE"/jobs/*; do
    if upload_died "$_folder"; then rm -rf "$_folder"; fi
    if [ "$_folder" = "$STATE/jobs/$JOB" ] || [ ! -e "$_folder/pid" ] || [ -e "$_folder/over" ]; then continue; fi
    job_lives "$_folder" || { bury "$_folder" && true >"$_folder/over"; }
  done
}

# run_job TOTAL OWNER WAIT CLOSING: the steps, with the lock in hand; the closing probe always runs, and tells what is.
run_job() {
  trap '' HUP
  trap 'echo stopped >cancel' TERM INT
  # For what it writes itself; every step begins with the umask of the prelude.
  umask 077
  exec </dev/null >>noise 2>&1
  if ! identity $$ >pid || ! dd if=/dev/zero of=reserve bs=4096 count=16 2>/dev/null; then
    no_space 64
    end_job refused
    return
  fi
  rm -f uploader
  if ! take_lock "$2" "$3"; then
    end_job refused
    return
  fi
  bury_dead
  sweep
  if ! ready; then
    end_job refused
    return
  fi
  event begin "$1"
  audit begun
  # Who was here, with which plan, must be known after a power cut, too. Only these: what others have begun to write
  # here may take the disk long.
  flush_all about manifest places job pid order journal "$MY_LOCK" . "$STATE/jobs" "$STATE/audit.jsonl"
  steps
  within "$4" closing answers
  if { [ $_code != 0 ] || [ "$_out" = /dev/null ]; } && [ ! -e "late.$$" ]; then
    rm -f reserve
    within "$4" closing answers
  fi
  [ "$_out" = /dev/null ] || mv -f "$_out" answers
  rm -rf payload files
  _result=ok
  case $FAILED in ?*) _result=failed ;; esac
  if [ -e cancel ] || [ -n "$UNARMED" ]; then _result=cancelled; fi
  if grep -qs stopped cancel; then _result=stopped; fi
  [ ! -e reverted ] || _result=reverted
  [ ! -e revert-failed ] || _result=revert-failed
  audit "$_result"
  collect 100 yes >/dev/null 2>&1
  end_job $_result
}

# upload_died FOLDER: it was never run, and nobody sends more of it; one that a power cut ended may not even say who did
upload_died() {
  if [ -e "$1/pid" ]; then return 1; fi
  if [ -s "$1/uploader" ]; then
    ! kill -0 "$(cat "$1/uploader")" 2>/dev/null
  else
    [ -n "$(find "$1" -prune -mtime +0 2>/dev/null)" ]
  fi
}

# tidy FOLDER: what a job only works with; it may hold secrets
tidy() { (cd "$1" && rm -rf uploader payload files reserve reserve.back reserve.names was would unit unit.said sshd.* objections.* block.* old.*); }

end_job() { # RESULT
  tidy .
  # A full disk needs no text of what was not run.
  [ "$1" != refused ] || rm -f job
  # Nobody may begin what a boot that is due would cut.
  if [ -n "$MY_LOCK" ] && ! lives_in boot; then unlock; fi
  event end "$1"
  true >over
  [ "$1" = refused ] || flush_all journal answers over . "$STATE/audit.jsonl"
}

launch() { # NONCE
  NONCE="$1 "
  detach main
  follow "$JOB" 0
}
