# block_body PATH MARKER: the lines between "# MARKER begin" and "# MARKER end".
block_body() {
  BEGINS="# $2 begin" ENDS="# $2 end" awk '
    $0 == ENVIRON["ENDS"] { on = 0 }
    on { print }
    $0 == ENVIRON["BEGINS"] { on = 1 }' "$1"
}

# ask_block PATH MARKER [PATH MARKER...]
ask_block() {
  while [ $# -gt 1 ]; do
    if [ ! -f "$ROOT$1" ]; then
      echo absent
    elif ! grep -qxF "# $2 begin" "$ROOT$1"; then
      echo none
    else
      _sum=$(block_body "$ROOT$1" "$2" | sha)
      echo "block ${_sum%% *}"
    fi
    shift 2
  done
}
