# ask_entries PATH...: a line for each, "NAME/NAME/" as far as a hundred; nothing is in what is no folder
ask_entries() {
  for _path in "$@"; do
    # shellcheck disable=SC2012 # a name with a newline is two, and neither goes
    ls -A "$ROOT$_path" 2>/dev/null | sed -n '1,100p' | tr '\n' /
    echo
  done
}

ask_directory() { ask_file "$@"; }
