# put_netservice SERVICE DEVICE ADDRESS MASK MTU: no router, for this link leads nowhere else.
# networksetup exits 0 with an error text, so its words are read too.
put_netservice() {
  _said=$(system networksetup -setmanual "$1" "$3" "$4" "") || return 1
  case $_said in *Error* | *"not a recognized"*) fail "networksetup: $_said" || return 1 ;; esac
  _said=$(system networksetup -setMTU "$2" "$5") || return 1
  case $_said in *Error* | *"not a"* | *"out of range"*) fail "networksetup: $_said" || return 1 ;; esac
  # A new MTU takes the link down for some seconds.
  _tries=0
  until [ "$(ask_netservice "$1" "$2")" = "Manual $3 $4 $5" ]; do
    _tries=$((_tries + 1))
    [ $_tries -lt 50 ] || fail "10 s after networksetup: $(ask_netservice "$1" "$2")" || return 1
    sleep 0.2
  done
}
