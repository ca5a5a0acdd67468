proc_path() { # KEY
  _path=/proc/sys
  _rest=$1.
  while [ -n "$_rest" ]; do
    _path=$_path/${_rest%%.*}
    _rest=${_rest#*.}
  done
}

# ask_sysctl KEY...: "= VALUE", or "missing" for a key this kernel lacks.
# A file below /proc/sys gives its value to the first read only, and some shells read byte by byte: so awk reads all.
ask_sysctl() {
  if [ "$OS" != Linux ] || [ -n "$ROOT" ]; then
    for _key in "$@"; do
      if _value=$(system sysctl -n "$_key" 2>/dev/null); then echo "= $_value"; else echo missing; fi
    done
    return
  fi
  _here=
  for _key in "$@"; do
    shift
    proc_path "$_key"
    if [ -r "$_path" ]; then
      _here="$_here y"
      set -- "$@" "$_path"
    else
      _here="$_here n"
    fi
  done
  _values=
  # One file that cannot be read ends awk, so then each is read by itself.
  [ $# = 0 ] || _values=$(awk 'FNR == 1 { gsub(/\t/, " "); print "= " $0 }' "$@" 2>/dev/null)$nl ||
    _values=$(for _path in "$@"; do echo "= $(tr '\t' ' ' <"$_path" 2>/dev/null)"; done)$nl
  for _key in $_here; do
    if [ "$_key" = y ]; then
      echo "${_values%%"$nl"*}"
      _values=${_values#*"$nl"}
    else
      echo missing
    fi
  done
}
