# run_command ID INPUTS GUARD TEXT: what was run has worked only if its guard says so.
run_command() {
  # A way back at boot restores files; what reads them is only about to start.
  if [ -n "$BOOTING" ] && [ "$3" = - ]; then return 0; fi
  (eval "$4") || return $?
  if [ "$3" != - ] && ! (eval "$3") >/dev/null 2>&1; then
    fail "it ran, but its guard is still not satisfied: $3"
    return 1
  fi
  [ "$2" = - ] || remember_start "$1" "$2"
}
