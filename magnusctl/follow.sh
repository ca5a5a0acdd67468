# follow JOB LINES: what a job's journal holds after LINES lines, as it grows, to its end. A beat when it is silent.
follow() {
  _job=$STATE/jobs/$1 _skip=$2
  if [ -n "$3" ]; then printf '%sm %s\n' "$NONCE" "$(cat "$_job/manifest" 2>/dev/null)"; fi
  _tries=0
  until [ -e "$_job/journal" ]; do
    _tries=$((_tries + 1))
    if never_begins "$_job"; then
      _tries=100
    elif [ $_tries -ge 100 ] && lives_in "$_job/pid"; then
      # It began, and stands for the lock of a busy host.
      _tries=50
      printf '%sb\n' "$NONCE" || return 0
    elif [ $_tries -ge 100 ]; then
      : >"$_job/cancel"
    fi
    if [ $_tries -ge 100 ]; then
      printf '%sgone never-began\n' "$NONCE"
      return
    fi
    sleep 0.1
  done
  # Whoever comes back hears at once that the link is there.
  printf '%sb\n' "$NONCE" || return 0
  exec 4<"$_job/journal"
  _seen=0 _quiet=0 _part='' _over=''
  while :; do
    if IFS= read -r _line <&4; then
      follow_line "$_part$_line" || return 0
      _part='' _quiet=0
      continue
    fi
    _part=$_part$_line
    [ -z "$_over" ] || break
    _quiet=$((_quiet + 1))
    # One more look after its end: what it wrote last may have come after our last look.
    [ $((_quiet % 10)) != 0 ] || job_lives "$_job" || _over=yes
    [ $((_quiet % 50)) != 0 ] || printf '%sb\n' "$NONCE" || return 0
    if [ $_quiet -lt 20 ]; then sleep 0.03; else sleep 0.1; fi
  done
  if lives_in "$_job/timer"; then
    _over=reverting
  elif [ -e "$_job/pending" ] || [ -e "$_job/reverting" ]; then
    _over=unconfirmed
  fi
  read -r _boot_of _ <"$_job/pid" && [ "$_boot_of" = "$(boot_now)" ] || _over=rebooted
  printf '%sgone %s\n' "$NONCE" "$_over"
}

# never_begins FOLDER: what has not begun by now must not begin later, when nobody expects it. An upload that comes
# late finds its folder taken. Fails when it was there before.
never_begins() {
  [ ! -d "$1" ] || return 1
  (umask 077 && mkdir -p "${1%/*}" && mkdir "$1") 2>/dev/null || [ ! -d "$1" ]
}

# follow_line LINE: fails when there is nothing more to follow
follow_line() {
  _seen=$((_seen + 1))
  if [ $_seen -gt "$_skip" ]; then printf '%sj %s\n' "$NONCE" "$1" || return 1; fi
  case $1 in
  ????-??-??T??:??:??Z\ end*)
    if [ ! -r "$_job/answers" ]; then
      printf '%send\n' "$NONCE"
      return 1
    fi
    while IFS= read -r _line; do
      printf '%s%s\n' "$NONCE" "$_line" || return 1
    done <"$_job/answers"
    return 1
    ;;
  esac
}
