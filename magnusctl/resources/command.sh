# ask_command ID GUARD [ID GUARD...]: "STARTED-WITH done" or "STARTED-WITH needed"; the guard is a shell text, "-" is none
ask_command() {
  while [ $# -gt 1 ]; do
    started_with "$1"
    if [ "$2" = - ]; then
      echo "$_started -"
    elif (eval "$2") </dev/null >/dev/null 2>&1; then
      echo "$_started done"
    else
      echo "$_started needed"
    fi
    shift 2
  done
}
