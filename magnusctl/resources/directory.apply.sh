# put_directory PATH MODE OWNER GROUP
put_directory() {
  no_detour "$1" || return 1
  if [ -L "$ROOT$1" ]; then fail "$ROOT$1 is a symlink" || return 1; fi
  # A numeric mode alone leaves the set-group-id bit of a directory as it is.
  mkdir -p "$ROOT$1" && chmod a-s,a-t "$ROOT$1" && chmod "$2" "$ROOT$1" && own "$3" "$4" "$ROOT$1" &&
    special_mode "$2" "$ROOT$1"
}

# remove_directory PATH: never more than was declared, so only an empty one.
remove_directory() { no_detour "$1" && rmdir "$ROOT$1"; }
