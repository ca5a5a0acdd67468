# ask_undisturbed UNIT...: "PID STARTTIME POLICY PRIORITY AFFINITY" of each main process; all "-" when none runs
ask_undisturbed() {
  [ $# != 0 ] || return 0
  if [ "$OS" != Darwin ]; then
    _all=$(system systemctl show -p Id,MainPID -- "$@" 2>/dev/null)$nl$nl
  fi
  for _unit in "$@"; do
    if [ "$OS" = Darwin ]; then
      _pid=$(system launchctl print "system/$_unit" 2>/dev/null | sed -n 's/^[[:space:]]*pid = //p' | sed -n 1p)
    else
      _one=$nl${_all%%"$nl$nl"*}$nl
      _all=${_all#*"$nl$nl"}
      _pid=${_one#*"${nl}MainPID="}
      _pid=${_pid%%"$nl"*}
    fi
    case $_pid in
    '' | 0 | *[!0-9]*) echo "- - - - -" ;;
    *) process_of "$_pid" ;;
    esac
  done
}

# process_of PID: its line. The name of a program may hold blanks and parentheses, so fields count from the last ")".
process_of() {
  if [ "$OS" = Darwin ]; then
    echo "$1 - - - -"
    return
  fi
  _cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$ROOT/proc/$1/status" 2>/dev/null)
  _pid=$1 _stat=$(cat "$ROOT/proc/$1/stat" 2>/dev/null)
  # shellcheck disable=SC2086 # the words after the name: the state, which is field 3, and numbers
  set -- ${_stat##*) }
  if [ $# -lt 39 ]; then echo "- - - - -"; else echo "$_pid ${20} ${39} ${38} ${_cpus:--}"; fi
}
