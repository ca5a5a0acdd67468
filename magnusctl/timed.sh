# timed SECONDS PROGRAM WORD...: macOS has no program that ends another one in time, so there the shell does it.
timed() {
  _limit_s=$1
  shift
  if has timeout; then
    timeout -s KILL "$_limit_s" "$@"
    return
  fi
  # What is begun like this reads nothing, but for what it is given. No group of commands: zsh may lose how it ended.
  exec 3<&0
  "$@" <&3 3<&- &
  _timed=$!
  exec 3<&-
  (
    sleep "$_limit_s"
    kill -9 "$_timed"
  ) >/dev/null 2>&1 &
  _limit=$!
  wait "$_timed"
  set -- $?
  kill "$_limit" 2>/dev/null
  return "$1"
}
