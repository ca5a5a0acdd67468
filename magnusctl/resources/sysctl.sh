# ask_sysctl KEY...: the values; reading /proc costs no process. A key this kernel lacks is "missing".
ask_sysctl() {
  for _key in "$@"; do
    if [ "$OS" = Linux ] && [ -z "$ROOT" ]; then
      _path=/proc/sys
      _rest=$_key.
      while [ -n "$_rest" ]; do
        _path=$_path/${_rest%%.*}
        _rest=${_rest#*.}
      done
      if [ -r "$_path" ] && read -r _value <"$_path"; then echo "= $_value"; else echo missing; fi
    elif _value=$(system sysctl -n "$_key" 2>/dev/null); then
      echo "= $_value"
    else
      echo missing
    fi
  done
}
