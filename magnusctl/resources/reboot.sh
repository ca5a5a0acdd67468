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
