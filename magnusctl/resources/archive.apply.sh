# put_archive PATH SHA256 STRIP URL: the old folder stays until the new one is whole.
put_archive() {
  no_detour "$1" || return 1
  _target=$ROOT$1
  case $(ask_archive "$1") in foreign)
    fail "$_target is there, and no archive was unpacked to it: move it away, then run the same command again"
    return 1
    ;;
  esac
  _new=$_target.magnus.new _old=$_target.magnus.old
  # A cut between the two moves left no folder but the old one.
  if [ ! -e "$_target" ] && [ -e "$_old" ]; then mv "$_old" "$_target" || return 1; fi
  rm -rf "$_new" "$_old"
  mkdir -p "$_new" || return 1
  if unpacked "$2" "$3" "$4" "$_new" && printf '%s %s %s\n' "$2" "$3" "$4" >"$_new/.magnus-archive" && sync; then
    if [ -e "$_target" ]; then mv "$_target" "$_old" || return 1; fi
    mv "$_new" "$_target" && rm -rf "$_old"
  else
    rm -rf "$_new"
    return 1
  fi
}

# remove_archive PATH: never what came otherwise
remove_archive() {
  no_detour "$1" || return 1
  case $(ask_archive "$1") in
  absent) ;;
  foreign) fail "$ROOT$1 came from no archive" ;;
  *) rm -rf "$ROOT$1" ;;
  esac
}

# unpacked SHA256 STRIP URL FOLDER; below a root a stand-in says what would be there
unpacked() {
  if [ -n "$ROOT" ]; then
    system unpack-archive "$3" "$4"
    return
  fi
  fetched "$1" "$3" || return 1
  case $3 in
  *.zip | *.whl) unzip -q "$_file" -d "$4" && stripped "$2" "$4" ;;
  *.tar.zst) zstd -dcq "$_file" | tar -xf - -C "$4" --strip-components="$2" --no-same-owner ;;
  *) tar -xf "$_file" -C "$4" --strip-components="$2" --no-same-owner ;;
  esac || {
    fail "$3 cannot be unpacked"
    return 1
  }
  [ -n "$(ls -A "$4")" ] || fail "$3 holds nothing below its first $2 folders" || return 1
  rm -f "$_file"
}

# stripped N FOLDER: what is below the N-th only folder comes up
stripped() {
  _n=$1
  while [ "$_n" -gt 0 ]; do
    for _only in "$2"/*; do mv "$_only" "$2.only" && rmdir "$2" && mv "$2.only" "$2" || return 1; done
    _n=$((_n - 1))
  done
}

# fetched SHA256 URL: sets _file. What a cut left is gone on with; a mirror that gives other bytes gives nothing.
fetched() {
  _file=$STATE/downloads/$1
  (umask 077 && mkdir -p "$STATE/downloads") || return 1
  [ -e "$_file" ] && [ "$(digest_of "$_file")" = "$1" ] && return
  if command -v curl >/dev/null 2>&1; then
    download_with_curl "$2"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -c --tries=3 --timeout=60 -O "$_file" -- "$2"
  else
    fail "neither curl nor wget is here to fetch $2 with"
    return 1
  fi || {
    fail "cannot fetch $2: does this host reach it? What has come so far is kept"
    return 1
  }
  _got=$(digest_of "$_file")
  [ "$_got" = "$1" ] && return
  rm -f "$_file"
  fail "$2 has the SHA-256 $_got, and $1 is declared: nothing of it was used"
}

# A server that cannot go on from the middle is asked for all of it.
download_with_curl() {
  for _more in "-C -" ""; do
    # shellcheck disable=SC2086 # words or none
    curl -fsSL --retry 3 --connect-timeout 20 --speed-limit 1024 --speed-time 60 $_more -o "$_file" -- "$1" && return
    [ $? = 33 ] || return 1
  done
  return 1
}
