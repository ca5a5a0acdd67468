# What is asked about jobs from outside.

# confirm_job JOB: whoever renames first decides, and both sides say the same
confirm_job() {
  _job=$STATE/jobs/$1
  if mv "$_job/pending" "$_job/confirmed" 2>/dev/null || [ -e "$_job/confirmed" ]; then
    # What was said must still be so after a power cut.
    sync
    echo confirmed
  elif [ -e "$_job/pending" ]; then
    echo cannot
  elif [ -d "$_job" ]; then
    echo reverted
  else
    echo unknown
  fi
}

# cancel_job JOB: after its current step
cancel_job() {
  _job=$STATE/jobs/$1
  if [ ! -d "$_job" ]; then
    echo unknown
  elif job_lives "$_job"; then
    true >"$_job/cancel" && echo asked
  else
    echo over
  fi
}

state_of() { # FOLDER: how its job ended, or running, reverting, died
  _end=$(awk '$2 == "end" { print $3 }' "$1/journal" 2>/dev/null)
  if [ -n "$_end" ]; then
    echo "$_end"
  elif job_lives "$1"; then
    echo running
  elif lives_in "$1/timer"; then
    echo reverting
  else
    echo died
  fi
}

# ask_ends JOB...: "STATE TIME" of each, or "unknown -"
ask_ends() {
  for _one in "$@"; do
    if [ -r "$STATE/jobs/$_one/journal" ]; then
      echo "$(state_of "$STATE/jobs/$_one") $(awk 'END { print $1 }' "$STATE/jobs/$_one/journal")"
    else
      echo "unknown -"
    fi
  done
}

# ask_jobs: one line for every job: "ORDER JOB STATE AT/TOTAL ABOUT"; without an order it never had the lock
ask_jobs() {
  for _job in "$STATE"/jobs/*; do
    # A power cut may have left it without a word.
    [ -s "$_job/about" ] || continue
    _state=$(state_of "$_job")
    _at=$(awk '$2 == "begin" { total = $3 } $2 == "start" { at = $3 + 1 } END { printf "%d/%d", at, total }' "$_job/journal" 2>/dev/null)
    _order=$(cat "$_job/order" 2>/dev/null)
    printf '%s %s %s %s %s\n' "${_order:--}" "${_job##*/}" "$_state" "${_at:-0/0}" "$(cat "$_job/about")"
  done
}

# ask_journal JOB: its manifest, then its journal
ask_journal() {
  cat "$STATE/jobs/$1/manifest" 2>/dev/null && echo && cat "$STATE/jobs/$1/journal" 2>/dev/null
}

# ask_audit: who did what here
ask_audit() { tail -n 1000 "$STATE/audit.jsonl" 2>/dev/null; }

# ask_origins: what everything was before it was first changed
ask_origins() {
  for _one in "$STATE"/origin/*; do
    if [ -s "$_one" ]; then cat "$_one"; elif [ -f "$_one" ]; then echo "lost ${_one##*/}"; fi
  done
}

# forget_origins DIGEST...: what is again as it was before the first change
forget_origins() {
  for _one in "$@"; do rm -f "$STATE/origin/$_one"; done
  rmdir "$STATE/origin" 2>/dev/null || :
  echo forgotten
}
