# ask_service UNIT NEEDS [UNIT NEEDS...]: "LOAD ENABLED UP STARTED-WITH", from one question to systemd. What does not
# run and lacks the path that it needs is not down: it "waits".
ask_service() {
  _pairs=$(($# / 2)) _needed=
  while [ $_pairs -gt 0 ]; do
    _needed=$_needed$2$nl
    set -- "$@" "$1"
    shift 2
    _pairs=$((_pairs - 1))
  done
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
    _need=${_needed%%"$nl"*}
    _needed=${_needed#*"$nl"}
    if [ $_up = down ] && [ "$_need" != - ] && [ ! -e "$ROOT$_need" ]; then _up=waits; fi
    echo "${_load%%"$nl"*} ${_enabled:--} $_up $_started"
  done
}
