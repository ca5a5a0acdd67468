# put_hostname KEPT NOW; "-" is none
put_hostname() {
  if [ "$OS" = Darwin ]; then
    if [ "$1" = - ]; then system scutil --set HostName ""; else system scutil --set HostName "$1"; fi
    return
  fi
  if [ "$1" = - ]; then
    rm -f "$ROOT/etc/hostname"
  else
    printf '%s\n' "$1" >"hostname.$STEP" && replace_file "hostname.$STEP" /etc/hostname 0644 root root - || return 1
  fi
  system hostname "$2"
}
