# One job at a time on a host. The lock is the file lock.N with the highest N: "BOOT PID START JOB OWNER SINCE", and
# a second line when it was given back. A new holder makes N+1 by a hard link, which only one can; a lock of a dead
# job is never deleted to be taken, so nobody can delete one that was just taken.

# lock_top: the highest N that is listed. One that is gone when it is looked at went because there is a higher one.
lock_top() {
  _top=0
  for _lock in "$STATE"/lock.*; do
    _number=${_lock##*.}
    case $_number in '' | *[!0-9]*) continue ;; esac
    [ "$_number" -le "$_top" ] || _top=$_number
  done
}

# lock_holder N: sets HOLDER and what it said of itself; fails when nobody holds it
lock_holder() {
  HOLDER='' _free=''
  [ "$1" -gt 0 ] || return 1
  { read -r _b _p _s HOLDER HELD_BY HELD_SINCE && read -r _free; } <"$STATE/lock.$1" || :
  [ -n "$HOLDER" ] && [ -z "$_free" ]
}

# try_lock OWNER: 0 it is ours, and MY_LOCK names it; 1 somebody holds it; 2 somebody was faster; 3 nobody can have it.
# RECLAIMED says from whom it was taken.
try_lock() {
  RECLAIMED=
  lock_top
  if lock_holder "$_top"; then
    if lives "$_b" "$_p" "$_s" || still_works "$STATE/jobs/$HOLDER"; then return 1; fi
    RECLAIMED="$HOLDER pid-$_p-gone"
    [ "$_b" = "$BOOT" ] || RECLAIMED="$HOLDER rebooted"
    # It ended well, and kept its lock for the boot that it wanted.
    [ ! -e "$STATE/jobs/$HOLDER/over" ] || RECLAIMED=
  fi
  _mine=$((_top + 1))
  printf '%s %s %s %s\n' "$(identity $$)" "$JOB" "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >lock || return 3
  if ! ln lock "$STATE/lock.$_mine" 2>/dev/null; then
    lock_top
    [ "$_top" -ge $_mine ] || return 3
    return 2
  fi
  rm -f lock
  lock_top
  if [ "$_top" != $_mine ]; then
    rm -f "$STATE/lock.$_mine"
    return 2
  fi
  MY_LOCK=$STATE/lock.$_mine
  # The jobs of a host have an order, which no clock can tell: that of its lock.
  printf '%s\n' $_mine >order
  for _lock in "$STATE"/lock.*; do
    case ${_lock##*.} in *[!0-9]*) ;; *) [ "${_lock##*.}" -ge $_mine ] || rm -f "$_lock" ;; esac
  done
}

# still_works FOLDER: a job whose runner is gone, but not its step, or not the timer that may take its changes back, or
# not the boot that it wanted
still_works() { lives_in "$1/step" || lives_in "$1/timer" || lives_in "$1/boot"; }

unlock() { printf 'free\n' >>"$MY_LOCK"; }

# take_lock OWNER SECONDS: wait for whoever holds it. Fails when it is still held, or when the job was cancelled.
take_lock() {
  _since=$(now_s) _told=
  while [ ! -e cancel ]; do
    try_lock "$1"
    case $? in
    0)
      [ -z "$RECLAIMED" ] || event reclaimed "$RECLAIMED"
      return 0
      ;;
    1)
      _held="$HOLDER $HELD_BY $HELD_SINCE $(place_of "$STATE/jobs/$HOLDER")"
      # The clock tells whole seconds: the first of them may be short.
      if [ "$2" = 0 ] || [ $(($(now_s) - _since)) -gt "$2" ]; then
        event locked "$_held"
        return 1
      fi
      [ "$_told" = "$HOLDER" ] || event waiting "$_held"
      _told=$HOLDER
      sleep 1
      ;;
    2) sleep 0.05 ;;
    *)
      no_space 64
      return 1
      ;;
    esac
  done
  event cancelled lock
  return 1
}

# place_of FOLDER: how far a job is, as "7/31"
place_of() {
  awk '$2 == "begin" { total = $3 } $2 == "start" { at = $3 + 1 } END { printf "%d/%d\n", at, total }' "$1/journal" 2>/dev/null || echo "0/0"
}
