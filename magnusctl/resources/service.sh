# ask_service UNIT...: "LOAD ENABLED UP STARTED-WITH", from one question to systemd
ask_service() {
  _all=$(system systemctl show -p Id,LoadState,UnitFileState,ActiveState,SubState -- "$@")$nl$nl
  for _name in "$@"; do
    _one=$nl${_all%%"$nl$nl"*}$nl
    _all=${_all#*"$nl$nl"}
    _load=${_one#*"${nl}LoadState="}
    _enabled=${_one#*"${nl}UnitFileState="}
    _active=${_one#*"${nl}ActiveState="}
    _enabled=${_enabled%%"$nl"*}
    started_with "service.$_name"
    # A service that crashes and is started over and over is "activating", and does not run.
    case $_one in *"${nl}SubState=auto-restart"*) _active=failed ;; esac
    case ${_active%%"$nl"*} in
    active | activating | reloading) _up=up ;;
    *) _up=down ;;
    esac
    echo "${_load%%"$nl"*} ${_enabled:--} $_up $_started"
  done
}
