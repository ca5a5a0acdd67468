# put_interface MAC ADDRESS MTU ID INPUTS: netplan returns before the address is there.
put_interface() {
  [ "$(ask_interface "$1" "$4" | cut -d ' ' -f 1)" != missing ] ||
    fail "no network card has the address $1: is it plugged in, and is 'mac:' right?" || return 1
  system netplan apply || return 1
  _tries=0
  while [ $_tries -lt 50 ]; do
    case "$(ask_interface "$1" "$4") " in *" $3 "*"$2"*)
      remember_start "$4" "$5"
      return
      ;;
    esac
    _tries=$((_tries + 1))
    sleep 0.2
  done
  fail "10 s after netplan apply: $(ask_interface "$1" "$4")"
}

# restore_interface MAC ADDRESS,ADDRESS MTU ID INPUTS: netplan leaves alone what its files no longer name.
restore_interface() {
  [ -z "$BOOTING" ] || return 0
  system netplan apply || return 1
  _device=$(ask_interface "$1" "$4" | cut -d ' ' -f 1)
  [ "$_device" != missing ] || fail "no network card has the address $1" || return 1
  _has=$(system ip -o -4 addr show dev "$_device" | awk '{ print $4 }')
  for _one in $_has; do
    case ",$2," in *",$_one,"*) ;; *) system ip addr del "$_one" dev "$_device" || return 1 ;; esac
  done
  for _one in $(printf '%s' "$2" | tr ',-' ' '); do
    case $nl$_has$nl in *"$nl$_one$nl"*) ;; *) system ip addr add "$_one" dev "$_device" || return 1 ;; esac
  done
  system ip link set dev "$_device" mtu "$3" || return 1
  forget_start "$4"
  [ "$5" = - ] || remember_start "$4" "$5"
}
