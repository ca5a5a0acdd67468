ask_directory() { ask_file "$@"; }
