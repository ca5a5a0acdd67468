# put_artifact PATH DIGEST SOURCE OWNER GROUP KEEP_FREE STALL TOKEN URLS [HF REPOSITORY REVISION ENDPOINT]; "-" is none.
# What comes lies beside its place until all of it is proved. Lists of what is to do lie in the job's `files`, because
# those go with the job, however it ends.
put_artifact() {
  no_detour "$1" || return 1
  _target=$ROOT$1 _part=$ROOT$1.magnus.part _list=$PWD/files/$2 _source=$3
  _owner=$4 _group=$5 _keep=$6 _stall=$7 _token=$8 _urls=$PWD/files/$9
  case $(ask_artifact "$1") in
  "$2") return 0 ;;
  absent | partial*) ;;
  *)
    fail "$_target holds something else, and no model is replaced in place: move it away, then run the same command again"
    return 1
    ;;
  esac
  shift 9
  staging && look_for_files && room_for_files || return 1
  [ ! -s files/missing ] || bring "$@" || return 1
  settle
}

# staging: the folder beside, and nobody else who writes into it
staging() {
  rm -f files/wrong files/stalled
  if [ -L "$_part" ]; then fail "$_part is a link: remove it" || return 1; fi
  end_fetch
  rm -rf "$_target.magnus.old" "$_part/.cache"
  mkdir -p "$_part" && find "$_part" -type l -exec rm -f {} +
}

of() { # LINE of a manifest: sets _want, _size and _name, which may have blanks at both ends
  _want=${1%% *} _name=${1#* }
  _size=${_name%% *} _name=${_name#* }
}

size_of() { # PATH
  [ -f "$1" ] || {
    echo 0
    return
  }
  # Not every wc knows the size of a file without reading it.
  # shellcheck disable=SC2012 # whatever its name is
  ls -ln "$1" | awk 'NR == 1 { print $5 }'
}

# proved: is the file there as declared? What cannot become it goes; _got says then what it was. Sets _held.
proved() {
  _got='' _held=$(size_of "$_part/$_name")
  if [ "$_held" -lt "$_size" ] || [ ! -f "$_part/$_name" ]; then return 1; fi
  if [ "$_held" = "$_size" ]; then
    _got=$(digest_of "$_part/$_name") || return 1
    [ "$_got" != "$_want" ] || return 0
    _got="the SHA-256 $_got, and $_want is declared"
  else
    _got="$_held bytes, and $_size are declared"
  fi
  _held=0
  rm -f "$_part/$_name"
  return 1
}

# look_for_files: what is neither here nor in another model of this store, as files/missing and, in the same order,
# files/urls. Sets _missing, the bytes that have to come.
look_for_files() {
  _missing=0
  set --
  for _marker in "${_target%/*}"/*/.magnus-artifact; do
    [ ! -r "$_marker" ] || set -- "$@" "$_marker"
  done
  # One look at all of them, whatever their number.
  awk 'FILENAME == ARGV[1] { want[$1]; next }
    $1 in want { at = FILENAME; sub(/[^\/]*$/, "", at); name = $0; sub(/^[^ ]* [^ ]* /, "", name); print $1 " " at name }' \
    "$_list" "$@" >files/known || return 1
  while IFS= read -r _entry <&3 && IFS= read -r _url <&4; do
    of "$_entry"
    if proved; then continue; fi
    [ -z "$_got" ] || tell "$_name has $_got: it is removed"
    if linked; then continue; fi
    # Only curl goes on in the middle of a file.
    [ "$_source" = curl ] || _held=0
    _missing=$((_missing + _size - _held))
    printf '%s\n' "$_entry" >&5 && printf '%s\n' "$_url" >&6 || return 1
  done 3<"$_list" 4<"$_urls" 5>files/missing 6>files/urls
}

# linked: the same bytes are in another model of this store
linked() {
  [ -s files/known ] || return 1
  sed -n "s/^$_want //p" files/known | (
    while IFS= read -r _twin; do
      if shareable "$_twin" && folder_for && ln -f "$_twin" "$_part/$_name" 2>/dev/null && proved; then exit 0; fi
    done
    exit 1
  )
}

# shareable FILE: two names of one file have one owner and one mode
shareable() {
  if [ ! -f "$1" ] || [ -L "$1" ]; then return 1; fi
  _is=$(stat_lines "$1")
  _is=${_is#0}
  if [ -n "$ROOT" ] && [ "$UID_NOW" != 0 ]; then [ "${_is%% *}" = 644 ]; else [ "$_is" = "644 $_owner $_group" ]; fi
}

folder_for() { case $_name in */*) mkdir -p "$_part/${_name%/*}" ;; esac }

# room_for_files: before a byte moves
room_for_files() {
  _free=$(free_kilobytes)
  _need=$(((_missing + _keep + 1023) / 1024))
  if [ "$_missing" = 0 ] || [ "${_free:-0}" -ge "$_need" ]; then return 0; fi
  rmdir "$_part" 2>/dev/null
  _stays=
  [ "$_keep" = 0 ] || _stays=" ($(amount $((_keep / 1024))) of it to stay free)"
  fail "disk full: $(amount "$_need") are needed$_stays on ${_target%/*}, $(amount "${_free:-0}") are free: 'magnusctl models gc' would say what can go"
}

free_kilobytes() { df -Pk "$_part" | awk 'NR > 1 { print $4; exit }'; }

amount() { # KILOBYTES
  echo "$1" | awk '{ if ($1 >= 104858) printf "%.1f GiB\n", $1 / 1048576; else printf "%.1f MiB\n", $1 / 1024 }'
}

# tell TEXT: to whoever waits
tell() {
  say "$1"
  case ${STEP:-back} in *[!0-9]*) ;; *) event note "$STEP" "$(printf '%s' "$1" | tr -c ' -~' '?')" ;; esac
}

# strangers: what lies there and is not declared
strangers() {
  (cd "$_part" && find . ! -type d) | sed 's#^\./##' |
    awk 'FILENAME == ARGV[1] { sub(/^[^ ]* [^ ]* /, ""); known[$0]; next } !($0 in known)' "$_list" -
}

# settle: all is proved; from now on it has its name
settle() {
  rm -rf "$_part/.cache"
  strangers | while IFS= read -r _entry; do rm -f "$_part/$_entry"; done
  _entry=$(strangers)
  [ -z "$_entry" ] || fail "what is not declared lies in $_part, and cannot be removed: $_entry" || return 1
  find "$_part" -depth -type d -exec rmdir {} + 2>/dev/null
  find "$_part" -type d -exec chmod 0755 {} + && find "$_part" -type f -exec chmod 0644 {} + || return 1
  if [ -z "$ROOT" ] || [ "$UID_NOW" = 0 ]; then
    find "$_part" -exec chown -h "$_owner:$_group" {} + || return 1
  fi
  sync && cat "$_list" >"$_part/.magnus-artifact" && flush "$_part/.magnus-artifact" || return 1
  if [ -e "$_target" ] || [ -L "$_target" ]; then fail "$_target is there by now: move it away" || return 1; fi
  mv "$_part" "$_target" && flush_all "${_target%/*}"
}

# remove_artifact PATH: with what was on its way there, and never what came otherwise, or what a release came to use
remove_artifact() {
  no_detour "$1" || return 1
  _user=$(grep -lsF -e "\"$1\"" -e "\"$1/" "$STATE"/models/*/r*/record | sed -n 1p)
  if [ -n "$_user" ]; then
    _user=${_user#"$STATE/models/"}
    fail "$1 stays: a release runs from it, ${_user%/record}"
    return 1
  fi
  _target=$ROOT$1 _part=$ROOT$1.magnus.part
  case $(ask_artifact "$1") in foreign)
    fail "$_target holds what this tool did not bring"
    return 1
    ;;
  esac
  end_fetch
  rm -rf "$_part" "$_target.magnus.old" || return 1
  [ -e "$_target" ] || return 0
  # Half of it must not have its name.
  mv "$_target" "$_target.magnus.old" && rm -rf "$_target.magnus.old"
}
