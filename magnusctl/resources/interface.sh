# ask_interface MAC ID [MAC ID...]: "DEVICE MTU ADDRESS,ADDRESS STARTED-WITH"
ask_interface() {
  _links=$(system ip -o link show)
  while [ $# -gt 1 ]; do
    _device=$(printf '%s\n' "$_links" | awk -v mac="$1" '$0 ~ "link/ether " mac { sub(/[@:].*/, "", $2); print $2; exit }')
    started_with "$2"
    if [ -n "$_device" ]; then
      _mtu=$(system ip -o link show dev "$_device" | sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
      _addresses=$(system ip -o -4 addr show dev "$_device" | awk '{ printf "%s%s", sep, $4; sep = "," }')
      echo "$_device $_mtu ${_addresses:--} $_started"
    else
      echo "missing - - $_started"
    fi
    shift 2
  done
}
