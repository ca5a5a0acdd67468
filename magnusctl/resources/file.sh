# ask_file PATH...: one stat and one digest over all of them, whatever their number.
# Somebody else may remove a file between the two; then answers would shift, so each is asked by itself.
ask_file() {
  if [ $# -gt 1 ] && _answers=$(ask_files "$@"); then
    printf '%s\n' "$_answers"
    return
  fi
  for _path in "$@"; do
    ask_files "$_path" || echo absent
  done
}

# ask_files PATH...: fails when some of them were there and then were not.
ask_files() {
  _types=
  for _path in "$@"; do
    shift
    _path=$ROOT$_path
    if [ -L "$_path" ]; then
      _type="link"
    elif [ ! -e "$_path" ]; then
      _types="$_types absent"
      continue
    elif [ -d "$_path" ]; then
      _type=directory
    elif [ ! -f "$_path" ]; then
      _type=special
    elif [ -r "$_path" ]; then
      _type="file"
    else
      _type=unreadable
    fi
    _types="$_types $_type"
    set -- "$@" "$_path"
  done
  _stats=
  [ $# = 0 ] || _stats=$(stat_lines "$@" 2>/dev/null)$nl
  for _path in "$@"; do
    shift
    if [ -f "$_path" ] && [ ! -L "$_path" ] && [ -r "$_path" ]; then set -- "$@" "$_path"; fi
  done
  _sums=$(sha_lines "$@" 2>/dev/null)$nl
  for _type in $_types; do
    if [ "$_type" = absent ]; then
      echo absent
      continue
    fi
    _stat=${_stats%%"$nl"*}
    _stats=${_stats#*"$nl"}
    [ -n "$_stat" ] || return 1
    if [ -n "$ROOT" ] && [ "$UID_NOW" != 0 ]; then _stat="${_stat%% *} * *"; fi
    if [ "$_type" = file ]; then
      _sum=${_sums%%"$nl"*}
      _sums=${_sums#*"$nl"}
      _sum=${_sum#\\}
      [ -n "$_sum" ] || return 1
      echo "file $_stat ${_sum%% *}"
    else
      echo "$_type $_stat"
    fi
  done
}

# ask_text PATH...: the text itself, for --diff; "= N" opens the N-th, and a large file tells only its size.
ask_text() {
  _n=0
  for _path in "$@"; do
    echo "= $_n"
    _n=$((_n + 1))
    _path=$ROOT$_path
    if [ ! -f "$_path" ] || [ -L "$_path" ] || [ ! -r "$_path" ]; then continue; fi
    _size=$(wc -c <"$_path")
    if [ "$_size" -gt 65536 ]; then echo "| ($_size bytes: too long to show)"; else sed 's/^/| /' "$_path"; fi
  done
}
