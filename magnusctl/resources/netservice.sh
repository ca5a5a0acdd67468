# ask_netservice SERVICE DEVICE [SERVICE DEVICE...]: "METHOD ADDRESS MASK MTU ROUTER", or "missing"
ask_netservice() {
  while [ $# -gt 1 ]; do
    _info=$(system networksetup -getinfo "$1" 2>/dev/null)
    case $_info in
    *"IP address: "* | *Configuration*)
      _method=$(printf '%s\n' "$_info" | sed -n '1s/ Configuration$//p' | tr ' ' '-')
      _address=$(printf '%s\n' "$_info" | sed -n 's/^IP address: //p')
      _mask=$(printf '%s\n' "$_info" | sed -n 's/^Subnet mask: //p')
      _mtu=$(system networksetup -getMTU "$2" 2>/dev/null | sed -n 's/^Active MTU: \([0-9]*\).*/\1/p')
      _router=$(printf '%s\n' "$_info" | sed -n 's/^Router: //p')
      case $_router in '(null)' | none) _router='' ;; esac
      echo "${_method:--} ${_address:--} ${_mask:--} ${_mtu:--} ${_router:--}"
      ;;
    *) echo missing ;;
    esac
    shift 2
  done
}
