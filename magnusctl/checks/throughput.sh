ask_iperf3() { if has iperf3; then echo yes; else echo no; fi; }

# serve_iperf3 ADDRESS PORT: one test, on this address only; ends by itself when nobody comes.
# macOS has no program that ends another one in time, so the shell does it.
serve_iperf3() {
  has iperf3 || return 127
  iperf3 -s -1 -B "$1" -p "$2" >/dev/null 2>&1 &
  _server=$!
  (
    sleep 12
    kill "$_server"
  ) >/dev/null 2>&1 &
  _limit=$!
  wait "$_server"
  echo "iperf3 -s ended with exit code $?"
  kill "$_limit" 2>/dev/null
}

# ask_rate LIMIT TEXT: the server needs a moment to listen, so the first refusals are not the answer. One that does not
# answer at all is, and a test whose peer is gone ends in LIMIT seconds.
ask_rate() {
  _tries=0
  while [ $_tries -lt 20 ]; do
    _said=$(timed "$1" sh -c "$2" 2>/dev/null)
    case $_said in *"Connection refused"*) ;; *) break ;; esac
    _tries=$((_tries + 1))
    sleep 0.2
  done
  printf '%s\n' "$_said"
}
