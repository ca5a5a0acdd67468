# ask_launchd LABEL...: "ENABLED STATE STARTED-WITH"; a job that launchd does not know is "absent"
ask_launchd() {
  _disabled=$(system launchctl print-disabled system 2>/dev/null)
  for _name in "$@"; do
    _enabled=yes
    case $_disabled in *"\"$_name\" => disabled"* | *"\"$_name\" => true"*) _enabled=no ;; esac
    if _print=$(system launchctl print "system/$_name" 2>/dev/null); then
      _state=$(printf '%s\n' "$_print" | sed -n 's/^[[:space:]]*state = //p' | sed -n 1p | tr ' ' '-')
    else
      _state=absent
    fi
    started_with "launchd.$_name"
    echo "$_enabled ${_state:-unknown} $_started"
  done
}
