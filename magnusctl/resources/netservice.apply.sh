# put_netservice SERVICE DEVICE ADDRESS MASK MTU: no router, for this link leads nowhere else.
# networksetup exits 0 with an error text, so its words are read too.
put_netservice() {
  _said=$(system networksetup -setmanual "$1" "$3" "$4" "") || return 1
  case $_said in *Error* | *"not a recognized"*) fail "networksetup: $_said" || return 1 ;; esac
  _said=$(system networksetup -setMTU "$2" "$5") || return 1
  case $_said in *Error* | *"not a"* | *"out of range"*) fail "networksetup: $_said" ;; esac
}
