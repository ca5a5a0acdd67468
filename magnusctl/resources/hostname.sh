# ask_hostname: "KEPT NOW": the name that the next boot gives, and the name of now
ask_hostname() {
  _kept=-
  if [ "$OS" = Darwin ]; then
    _kept=$(system scutil --get HostName 2>/dev/null) || _kept=-
  elif [ -r "$ROOT/etc/hostname" ]; then
    _kept=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$ROOT/etc/hostname" | sed -n 1p)
  fi
  echo "${_kept:--} $(system uname -n)"
}
