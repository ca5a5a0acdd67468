ask_iperf3() { if has iperf3; then echo yes; else echo no; fi; }

# serve_iperf3 ADDRESS PORT: one test, on this address only; ends by itself when nobody comes.
# macOS has no program that ends another one in time, so the shell does it.
serve_iperf3() {
  has iperf3 || return 127
  iperf3 -s -1 -B "$1" -p "$2" >/dev/null 2>&1 &
  _server=$!
  (
    sleep 30
    kill "$_server"
  ) >/dev/null 2>&1 &
  _limit=$!
  wait "$_server"
  echo "iperf3 -s ended with exit code $?"
  kill "$_limit" 2>/dev/null
}

# ask_rate ADDRESS PORT SECONDS [-R]: the server needs a moment to listen, so the first refusals are not the answer.
ask_rate() {
  _address=$1 _port=$2 _seconds=$3
  shift 3
  _tries=0
  while [ $_tries -lt 20 ]; do
    _said=$(system iperf3 -J -c "$_address" -p "$_port" -t "$_seconds" "$@" 2>/dev/null)
    case $_said in *"unable to connect"*) ;; *) break ;; esac
    _tries=$((_tries + 1))
    sleep 0.2
  done
  printf '%s\n' "$_said"
}
