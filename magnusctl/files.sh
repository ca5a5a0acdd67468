# How a job writes: whoever looks, and whoever comes after a power cut, sees the old bytes or the new ones.
# Make what was just written survive a power cut. Not every dd can; sync always can.
flush() {
  dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || sync
}

# flush_all PATH...: the same for several, folders among them, where sync knows how
flush_all() { sync "$@" 2>/dev/null || sync; }

own() { # OWNER GROUP PATH; without privilege below a root, ownership is neither set nor judged
  if [ -n "$ROOT" ] && [ "$UID_NOW" != 0 ]; then return 0; fi
  # -h: a link that a user put there in between must not give away what it points to.
  chown -h "$1:$2" "$3"
}

# special_mode MODE PATH: a new owner loses what lets others act as the old one
special_mode() { case $1 in 0*) ;; *) chmod "$1" "$2" ;; esac; }

# keep PATH: its bytes under their digest, so that they can be had again
keep() {
  [ -f "$1" ] || return 0
  _sum=$(digest_of "$1") || return 1
  [ ! -e "$STATE/kept/$_sum" ] || return 0
  (umask 077 && mkdir -p "$STATE/kept" && cat "$1" >"$STATE/kept/.$_sum.$$") &&
    flush "$STATE/kept/.$_sum.$$" && mv -f "$STATE/kept/.$_sum.$$" "$STATE/kept/$_sum" && return
  rm -f "$STATE/kept/.$_sum.$$"
  fail "cannot keep the old bytes of $1 in $STATE/kept"
}

# whole FOLDER NAME LINE: a file of our own, with its line or not at all
whole() {
  if (umask 077 && mkdir -p "$STATE/$1" && printf '%s\n' "$3" >"$STATE/$1/.$2.$$") && flush "$STATE/$1/.$2.$$" && mv -f "$STATE/$1/.$2.$$" "$STATE/$1/$2"; then
    return 0
  fi
  rm -f "$STATE/$1/.$2.$$"
  fail "cannot write $STATE/$1"
}

# sweep: what somebody who was killed had begun to write there
sweep() {
  for _one in "$STATE"/kept/.*.* "$STATE"/origin/.*.* "$STATE"/started/.*.*; do
    if [ -f "$_one" ] && ! kill -0 "${_one##*.}" 2>/dev/null; then rm -f "$_one"; fi
  done
}

# keep_old PATH: keep its bytes; a way back needs no way back of its own
keep_old() { keep "$1" || case $STEP in back.*) ;; *) return 1 ;; esac }

# no_detour PATH: no folder on the way there is a link that a user made, who could lead us anywhere with it
no_detour() {
  _way=$ROOT _rest=${1#/}
  while [ "$_rest" != "${_rest#*/}" ]; do
    _way=$_way/${_rest%%/*} _rest=${_rest#*/}
    [ -L "$_way" ] || continue
    # shellcheck disable=SC2046 # words: the fourth is the owner's number
    set -- "$1" $(ls -ldn "$_way")
    [ "$4" = 0 ] || [ "$4" = "$UID_NOW" ] || fail "refusing to write through $_way, a link that uid $4 made" || return 1
  done
}

# validated VALIDATOR STAGED PATH: exit code alone is no verdict; anything on stderr is a refusal too.
validated() {
  [ "$1" != - ] || return 0
  _said=$("validate_$1" "$2" "$3" 2>&1 >/dev/null) && [ -z "$_said" ] && return 0
  fail "validator $1 refuses the new $3: $_said"
}

# may_replace PATH: is it a name that a file may take?
may_replace() {
  no_detour "$1" || return 1
  if [ -L "$ROOT$1" ]; then fail "refusing to write through the symlink $ROOT$1" || return 1; fi
  if [ -d "$ROOT$1" ]; then fail "$ROOT$1 is a directory" || return 1; fi
}

# stage_file SOURCE: its bytes as $_staged, beside $_target and with the list of who else may read that, if it has one.
# Until it is whole nobody but us may: a folder can give every new file such a list, whatever the umask. All of it goes
# through one open file: a user whose folder this is may put a link in the place of its name at any moment.
stage_file() {
  _listed=
  if [ "$OS" = Linux ] && [ -e "$_target" ]; then case $(ls -ld "$_target") in ??????????+*) _listed=yes ;; esac fi
  (
    umask 077
    set -C
    exec 3>"$_staged"
    set +C
    # Not every shell that creates only new files knows a link to a device.
    [ ! -L "$_staged" ] || exit 1
    [ "$OS" != Linux ] || { [ -f /proc/self/fd/3 ] && chmod 600 /proc/self/fd/3; } || exit 1
    cat "$1" >&3 || exit 1
    if [ -n "$_listed" ] && ! cp --attributes-only --preserve=mode,xattr "$_target" /proc/self/fd/3; then
      fail "the list of who may read $_target cannot be kept: cp of this host does not know such"
      exit 99
    fi
  )
}

# replace_file SOURCE PATH MODE OWNER GROUP VALIDATOR: whoever looks sees the old bytes or the new ones.
replace_file() {
  _target=$ROOT$2
  _staged=${_target%/*}/.magnus.$JOB.$STEP
  may_replace "$2" || return 1
  rm -f "$_staged"
  [ -d "${_target%/*}/" ] || fail "the folder ${_target%/*} is not there, or is a link that leads nowhere" || return 1
  stage_file "$1" || {
    [ $? = 99 ] || say "cannot write beside $_target: is the disk full, or the file system read-only?"
    rm -f "$_staged"
    return 1
  }
  # First the mode: once it is a user's, the name may lead elsewhere.
  if chmod "$3" "$_staged" && own "$4" "$5" "$_staged" && special_mode "$3" "$_staged" && validated "$6" "$_staged" "$2" &&
    flush "$_staged" && keep_old "$_target" && may_replace "$2" && mv -f "$_staged" "$_target"; then
    [ "$(digest_of "$_target")" = "$(digest_of "$1")" ] || fail "$_target does not read back as written"
  else
    rm -f "$_staged"
    return 1
  fi
}
