# ready_for_push STAGING PATH...: the folder is made, and for as long as somebody pushes it is theirs; the size of each
# file that is there, or "-"
ready_for_push() {
  no_detour "$1" || return 1
  _staging=$ROOT$1
  shift
  mkdir -p "$_staging" || return 1
  for _path in "$@"; do
    case $_path in */*) mkdir -p "$_staging/${_path%/*}" || return 1 ;; esac
    if [ -f "$_staging/$_path" ] && [ ! -L "$_staging/$_path" ]; then
      wc -c <"$_staging/$_path" | tr -d ' '
    else
      echo -
    fi
  done
  [ "$UID_NOW" != 0 ] || chown -R "$LOGIN" "$_staging"
}
