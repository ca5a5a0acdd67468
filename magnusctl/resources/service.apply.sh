wait_active() { # UNIT: until it is active, or has said that it will not be
  _tries=0
  while [ $_tries -lt 50 ]; do
    case $(system systemctl show -p ActiveState --value -- "$1") in
    active) return 0 ;;
    activating | reloading) ;;
    *) break ;;
    esac
    _tries=$((_tries + 1))
    sleep 0.2
  done
  why_not "$1" || fail "$1 is not active"
}

# why_not UNIT: what it said last; fails
why_not() {
  system systemctl status --no-pager --lines=10 -- "$1" || :
  return 1
}

# spares UNIT: fails when starting it would stop a service that must not be disturbed: whoever conflicts is stopped
spares() {
  [ -n "$SPARED" ] || return 0
  _needs=$(system systemctl list-dependencies --all --plain --full -- "$1" 2>/dev/null | awk '{ print $NF }')
  # shellcheck disable=SC2086 # units, one a line
  _conflicts=" $(system systemctl show -p Conflicts -p ConflictedBy --value -- "$1" $_needs 2>/dev/null | tr '\n' ' ') "
  for _unit in $SPARED; do
    case $_conflicts in
    *" $_unit "*)
      [ "$(system systemctl show -p ActiveState --value -- "$_unit")" != active ] ||
        fail "refusing to start $1: it conflicts with $_unit, which is protected and runs" || return 1
      ;;
    esac
  done
}

lacks() { [ "$1" != - ] && [ ! -e "$ROOT$1" ]; } # PATH

gone() { [ "$(system systemctl show -p LoadState --value -- "$1")" = not-found ]; }

# put_service UNIT ENABLED RUNNING HOW INPUTS [NEEDS]: HOW is start, restart or reload; "-" is not declared
put_service() {
  if [ -n "$BOOTING" ]; then
    # The manager is still starting everything from the files as they now are.
    case $2 in yes) system systemctl enable -- "$1" ;; no) system systemctl disable -- "$1" ;; esac
    # What is not to run may be about to: that is called off, and nobody waits for it here.
    [ "$3" != no ] || system systemctl stop --no-block -- "$1" 2>/dev/null || :
    return 0
  fi
  if [ "$(system systemctl show -p NeedDaemonReload --value -- "$1")" = yes ]; then
    system systemctl daemon-reload || return 1
  fi
  case $2 in
  yes) system systemctl enable -- "$1" || return 1 ;;
  no) gone "$1" || system systemctl disable -- "$1" || return 1 ;;
  esac
  case $3 in
  no) gone "$1" || system systemctl stop -- "$1" || return 1 ;;
  yes)
    if lacks "${6:--}"; then
      # Stopped now, it would not come back.
      [ "$(system systemctl show -p ActiveState --value -- "$1")" != active ] ||
        fail "$ROOT$6 is not there: $1 goes on as it was started" || return 1
      return 0
    fi
    spares "$1" || return 1
    # After some failed starts systemd refuses the one that would be right now.
    system systemctl reset-failed -- "$1" 2>/dev/null || :
    case $4 in
    restart) system systemctl restart -- "$1" || why_not "$1" || return 1 ;;
    reload) system systemctl reload-or-restart -- "$1" || why_not "$1" || return 1 ;;
    *) system systemctl start -- "$1" || why_not "$1" || return 1 ;;
    esac
    wait_active "$1" || return 1
    ;;
  esac
  [ "$5" = - ] || remember_start "service.$1" "$5"
}
