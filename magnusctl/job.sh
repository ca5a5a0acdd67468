# What a job adds to the prelude: a journal, steps with guards, the digest of what a service was started with.
# The caller sets JOB (its id) and runs in the job's own folder.
FAILED=
trap '' PIPE
exec 3>&1
STARTED=$STATE/started

# event WORD [ARGUMENT...]: to the journal first, then to whoever listens.
event() {
  _event="$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"
  printf '%s\n' "$_event" >>journal
  # A listener that went away is no reason to stop.
  printf '%s j %s\n' "$NONCE" "$_event" 2>/dev/null >&3 || :
}

# The last lines of what a step printed, for the report; all of it stays in the job's folder.
tell_output() {
  tail -n 20 "out.$1" | while IFS= read -r _line || [ -n "$_line" ]; do
    case $_line in
    *[!\ -~]*) printf '%s h %s %s\n' "$NONCE" "$1" "$(printf '%s' "$_line" | od -An -v -tx1 | tr -d ' \n')" ;;
    *) printf '%s o %s %s\n' "$NONCE" "$1" "$_line" ;;
    esac
  done 2>/dev/null >&3 || :
}

# run_step N NEEDS: guard, then do; a step that failed stops those that need it, not the others.
run_step() {
  for _need in $2; do
    case " $FAILED " in *" $_need "*)
      FAILED="$FAILED $1"
      event skip "$1" "$_need"
      return
      ;;
    esac
  done
  event start "$1"
  if ! (
    exec 3>&-
    guard_"$1"
  ) </dev/null >"out.$1" 2>&1; then
    FAILED="$FAILED $1"
    event conflict "$1"
    tell_output "$1"
    return
  fi
  STEP=$1
  (
    exec 3>&-
    do_"$1"
  ) </dev/null >"out.$1" 2>&1
  _code=$?
  if [ $_code = 0 ]; then
    event ok "$1"
  else
    FAILED="$FAILED $1"
    event failed "$1" "$_code"
    tell_output "$1"
  fi
}

# Make what was just written survive a power cut. Not every dd can; sync always can.
flush() {
  dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || sync
}

# forget_start ID: from now on this has to be started again, whatever happens to this job.
forget_start() { rm -f "$STARTED/$1"; }

# remember_start ID DIGEST
remember_start() {
  mkdir -p "$STARTED" || return 1
  printf '%s\n' "$2" >"$STARTED/.$1.$$" && mv -f "$STARTED/.$1.$$" "$STARTED/$1"
}

own() { # OWNER GROUP PATH; without privilege below a root, ownership is neither set nor judged
  if [ -n "$ROOT" ] && [ "$UID_NOW" != 0 ]; then return 0; fi
  # -h: a link that a user put there in between must not give away what it points to.
  chown -h "$1:$2" "$3"
}

# keep_old PATH: the bytes, owner and mode that were there, for rollback.
keep_old() {
  [ -e "$1" ] || return 0
  mkdir -p before && cp -p "$1" "before/$STEP"
}

# validated VALIDATOR STAGED PATH: exit code alone is no verdict; anything on stderr is a refusal too.
validated() {
  [ "$1" != - ] || return 0
  _said=$("validate_$1" "$2" "$3" 2>&1 >/dev/null) && [ -z "$_said" ] && return 0
  fail "validator $1 refuses the new $3: $_said"
}

# replace_file SOURCE PATH MODE OWNER GROUP VALIDATOR: whoever looks sees the old bytes or the new ones.
replace_file() {
  _target=$ROOT$2
  _staged=${_target%/*}/.magnus.$JOB.$STEP
  if [ -L "$_target" ]; then fail "refusing to write through the symlink $_target" || return 1; fi
  if [ -d "$_target" ]; then fail "$_target is a directory" || return 1; fi
  rm -f "$_staged"
  if ! (umask 077 && set -C && cat "$1" >"$_staged"); then
    rm -f "$_staged"
    fail "cannot write beside $_target: is the disk full, or the file system read-only?"
    return 1
  fi
  if own "$4" "$5" "$_staged" && chmod "$3" "$_staged" && validated "$6" "$_staged" "$2" &&
    flush "$_staged" && keep_old "$_target" && mv -f "$_staged" "$_target"; then
    [ "$(digest_of "$_target")" = "$(digest_of "$1")" ] || fail "$_target does not read back as written"
  else
    rm -f "$_staged"
    return 1
  fi
}
