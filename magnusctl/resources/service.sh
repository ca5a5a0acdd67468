# ask_service UNIT...: "LOAD ENABLED ACTIVE STARTED-WITH", from one question to systemd
ask_service() {
  _all=$(system systemctl show -p Id,LoadState,UnitFileState,ActiveState -- "$@")$nl$nl
  for _name in "$@"; do
    _one=$nl${_all%%"$nl$nl"*}$nl
    _all=${_all#*"$nl$nl"}
    _load=${_one#*"${nl}LoadState="}
    _enabled=${_one#*"${nl}UnitFileState="}
    _active=${_one#*"${nl}ActiveState="}
    _enabled=${_enabled%%"$nl"*}
    started_with "service.$_name"
    echo "${_load%%"$nl"*} ${_enabled:--} ${_active%%"$nl"*} $_started"
  done
}
