# ask_peers ADDRESS...: "ADDRESS LOSS MEAN" for each, all at once; "-" is what ping did not say
ask_peers() {
  for _peer in "$@"; do
    (
      _said=$(system ping -c 3 -i 0.2 "$_peer" 2>/dev/null)
      _loss=$(printf '%s\n' "$_said" | sed -n 's/.*[ ,]\([0-9.]*\)% packet loss.*/\1/p')
      _mean=$(printf '%s\n' "$_said" | sed -n 's/.* = [0-9.]*\/\([0-9.]*\)\/.*/\1/p')
      echo "$_peer ${_loss:--} ${_mean:--}"
    ) &
  done | {
    _all=$nl$(cat)$nl
    for _peer in "$@"; do
      _line=${_all#*"$nl$_peer "}
      echo "$_peer ${_line%%"$nl"*}"
    done
  }
}
