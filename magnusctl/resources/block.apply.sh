# rewrite_block FILE MARKER NEW: the file with the lines of NEW in its block, or without the block when NEW is empty.
# A beginning whose end somebody deleted is one line: what follows it is not known to be ours.
rewrite_block() {
  BEGINS="# $2 begin" ENDS="# $2 end" NEW=$3 awk '
    function put(line) {
      if (new == "") return
      print begins
      while ((getline line < new) > 0) print line
      print ends
    }
    BEGIN { begins = ENVIRON["BEGINS"]; ends = ENVIRON["ENDS"]; new = ENVIRON["NEW"] }
    FNR == 1 { pass++ }
    pass == 1 {
      if ($0 == begins) { open = FNR; begun[FNR] = 1 }
      if ($0 == ends && open) { last[open] = FNR; open = 0 }
      next
    }
    FNR in begun {
      if (!done) put()
      done = 1
      if (FNR in last) skip = last[FNR]
      next
    }
    FNR <= skip { next }
    { print }
    END { if (!done) put() }' "$1" "$1"
}

# keep_block PATH MARKER: its lines as they are, for whoever wants them back
keep_block() {
  grep -qxF "# $2 begin" "$ROOT$1" || return 0
  block_body "$ROOT$1" "$2" >"old.$STEP" && keep "old.$STEP"
}

# put_block SOURCE DIGEST PATH MARKER MODE OWNER GROUP: what stands outside the marked block stays as it is.
put_block() {
  _bytes=$(bytes_of "$1" "$2")
  shift
  if [ -L "$ROOT$2" ]; then fail "refusing to write through the symlink $ROOT$2" || return 1; fi
  if [ -e "$ROOT$2" ]; then
    keep_block "$2" "$3" && rewrite_block "$ROOT$2" "$3" "$_bytes" >"block.$STEP" || return 1
    # shellcheck disable=SC2046 # three words: mode, owner, group
    replace_file "block.$STEP" "$2" $(stat_lines "$ROOT$2") -
  else
    rewrite_block /dev/null "$3" "$_bytes" >"block.$STEP" || return 1
    replace_file "block.$STEP" "$2" "$4" "$5" "$6" -
  fi
}

# remove_block PATH MARKER MADE: "made" takes the file away with it, when nothing else is in there
remove_block() {
  keep_block "$1" "$2" && rewrite_block "$ROOT$1" "$2" "" >"block.$STEP" || return 1
  if [ "$3" = made ] && [ ! -s "block.$STEP" ] && [ ! -L "$ROOT$1" ]; then
    rm -f "$ROOT$1"
    return
  fi
  # shellcheck disable=SC2046
  replace_file "block.$STEP" "$1" $(stat_lines "$ROOT$1") -
}
