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
