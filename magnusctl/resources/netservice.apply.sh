# networksetup_says WORD...: it exits 0 with an error text, so its words are read too.
networksetup_says() {
  _said=$(system networksetup "$@") || return 1
  case $_said in *Error* | *"not a"* | *"out of range"*) fail "networksetup: $_said" ;; esac
}

# put_dhcp SERVICE DEVICE MTU
put_dhcp() {
  networksetup_says -setdhcp "$1" && networksetup_says -setMTU "$2" "$3"
}

# put_netservice SERVICE DEVICE ADDRESS MASK MTU [ROUTER]: a link that leads nowhere else has no router.
put_netservice() {
  networksetup_says -setmanual "$1" "$3" "$4" "${6:-}" && networksetup_says -setMTU "$2" "$5" || return 1
  # A new MTU takes the link down for some seconds.
  _tries=0
  until [ "$(ask_netservice "$1" "$2")" = "Manual $3 $4 $5 ${6:--}" ]; do
    _tries=$((_tries + 1))
    [ $_tries -lt 50 ] || fail "10 s after networksetup: $(ask_netservice "$1" "$2")" || return 1
    sleep 0.2
  done
}
