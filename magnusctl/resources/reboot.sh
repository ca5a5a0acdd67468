# ask_started: how far a boot has come; "starting" is not yet all of it
ask_started() {
  if [ "$OS" = Linux ] && has systemctl; then
    _said=$(system systemctl is-system-running 2>/dev/null)
    echo "${_said:-running}"
  else
    echo running
  fi
}

# ask_reboot GUARD...: "done", "needed" or, when the guard exits with 75, "unknown"
ask_reboot() {
  for _guard in "$@"; do
    (eval "$_guard") </dev/null >/dev/null 2>&1
    case $? in
    0) echo "done" ;;
    75) echo unknown ;;
    *) echo needed ;;
    esac
  done
}
