# put_block DIGEST PATH MARKER: what stands outside the marked block stays as it is.
put_block() {
  _old=$ROOT$2
  if [ -L "$_old" ]; then fail "refusing to write through the symlink $_old" || return 1; fi
  [ -e "$_old" ] || { : >"$_old" && chmod 0644 "$_old"; } || return 1
  awk -v b="# $3 begin" -v e="# $3 end" -v new="files/$1" '
    function put(line) { print b; while ((getline line < new) > 0) print line; print e; done = 1 }
    $0 == b { if (!done) put(); skip = 1 }
    !skip { print }
    $0 == e { skip = 0 }
    END { if (!done) put() }' "$_old" >"block.$STEP" || return 1
  # shellcheck disable=SC2046 # three words: mode, owner, group
  replace_file "block.$STEP" "$2" $(stat_lines "$_old") -
}

# remove_block PATH MARKER
remove_block() {
  awk -v b="# $2 begin" -v e="# $2 end" '$0 == b { skip = 1 } !skip { print } $0 == e { skip = 0 }' \
    "$ROOT$1" >"block.$STEP" || return 1
  # shellcheck disable=SC2046
  replace_file "block.$STEP" "$1" $(stat_lines "$ROOT$1") -
}
