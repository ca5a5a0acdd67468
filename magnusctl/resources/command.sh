# ask_command ID GUARD [ID GUARD...]: "STARTED-WITH done", "needed" or, when the guard exits with 75, "unknown"
# The guard is a shell text, "-" is none.
ask_command() {
  while [ $# -gt 1 ]; do
    started_with "$1"
    if [ "$2" = - ]; then
      echo "$_started -"
    else
      (eval "$2") </dev/null >/dev/null 2>&1
      case $? in
      0) echo "$_started done" ;;
      75) echo "$_started unknown" ;;
      *) echo "$_started needed" ;;
      esac
    fi
    shift 2
  done
}
