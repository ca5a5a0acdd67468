# stop_job LABEL: bootout returns before the job is gone, and bootstrap on a draining label says "failed: 5".
stop_job() {
  system launchctl bootout "system/$1" 2>/dev/null || :
  _tries=0
  while system launchctl print "system/$1" >/dev/null 2>&1; do
    _tries=$((_tries + 1))
    [ $_tries -lt 75 ] || fail "$1 is still there 15 s after bootout" || return 1
    sleep 0.2
  done
}

# put_launchd LABEL PLIST RUNNING INPUTS [NEEDS]: kickstart does not read the plist again, so it is always the full cycle.
put_launchd() {
  if [ -n "$BOOTING" ]; then
    # At boot launchd loads what it finds in the folder, unless it is disabled: that outlives a boot.
    case $3 in yes) system launchctl enable "system/$1" ;; no) system launchctl disable "system/$1" ;; esac
    return
  fi
  if [ "$3" = yes ] && [ "${5:--}" != - ] && [ ! -e "$ROOT$5" ]; then
    # Stopped now, it would not come back.
    if system launchctl print "system/$1" >/dev/null 2>&1; then
      fail "$ROOT$5 is not there: $1 goes on as it was started" || return 1
    fi
    return 0
  fi
  stop_job "$1" || return 1
  if [ "$3" = yes ]; then
    system launchctl enable "system/$1" && system launchctl bootstrap system "$ROOT$2" || return 1
    system launchctl print "system/$1" >/dev/null || return 1
  elif [ "$3" = no ]; then
    system launchctl disable "system/$1" || return 1
  fi
  [ "$4" = - ] || remember_start "launchd.$1" "$4"
}
