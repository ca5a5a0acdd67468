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

# restore_interface MAC ADDRESS,ADDRESS MTU ID INPUTS: netplan leaves alone what its files no longer name, and networkd
# goes on adding and dropping after netplan has returned: it counts only once it stays.
restore_interface() {
  [ -z "$BOOTING" ] || return 0
  system netplan apply || return 1
  _device=$(ask_interface "$1" "$4" | cut -d ' ' -f 1)
  [ "$_device" != missing ] || fail "no network card has the address $1" || return 1
  _tries=0 _stays=0
  until [ $_stays -ge 3 ]; do
    _tries=$((_tries + 1))
    [ $_tries -le 50 ] || fail "10 s after netplan apply: $(ask_interface "$1" "$4")" || return 1
    _stays=$((_stays + 1))
    restored_interface "$_device" "$2" "$3" || _stays=0
    sleep 0.2
  done
  forget_start "$4"
  [ "$5" = - ] || remember_start "$4" "$5"
}

# restored_interface DEVICE ADDRESS,ADDRESS MTU: fails when something was otherwise, and makes it so
restored_interface() {
  _has=$(system ip -o -4 addr show dev "$1" | awk '{ print $4 }') _was=0
  for _one in $_has; do
    case ",$2," in *",$_one,"*) ;; *) _was=1 && system ip addr del "$_one" dev "$1" 2>/dev/null ;; esac
  done
  for _one in $(printf '%s' "$2" | tr ',-' ' '); do
    case $nl$_has$nl in *"$nl$_one$nl"*) ;; *) _was=1 && system ip addr replace "$_one" dev "$1" ;; esac
  done
  case "$(system ip -o link show dev "$1") " in
  *" mtu $3 "*) ;;
  *) _was=1 && system ip link set dev "$1" mtu "$3" ;;
  esac
  return $_was
}
