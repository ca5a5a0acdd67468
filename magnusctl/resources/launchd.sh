# ask_launchd LABEL NEEDS [LABEL NEEDS...]: "ENABLED STATE STARTED-WITH"; a job that launchd does not know is "absent",
# and one that lacks the path that it needs "waits"
ask_launchd() {
  _disabled=$(system launchctl print-disabled system 2>/dev/null)
  while [ $# -gt 1 ]; do
    _name=$1
    _enabled=yes
    case $_disabled in *"\"$_name\" => disabled"* | *"\"$_name\" => true"*) _enabled=no ;; esac
    if _print=$(system launchctl print "system/$_name" 2>/dev/null); then
      _state=$(printf '%s\n' "$_print" | sed -n 's/^[[:space:]]*state = //p' | sed -n 1p | tr ' ' '-')
    else
      _state=absent
      if [ "$2" != - ] && [ ! -e "$ROOT$2" ]; then _state=waits; fi
    fi
    started_with "launchd.$_name"
    echo "$_enabled ${_state:-unknown} $_started"
    shift 2
  done
}
