# put_environment PATH DIGEST LOCK PYTHON UV INDEX LINKS; "-" is none. A folder that is whole already is only linked to.
put_environment() {
  no_detour "$1" || return 1
  _link=$ROOT$1 _made=$ROOT$1-$2
  if [ -e "$_link" ] && [ ! -L "$_link" ]; then
    fail "$_link is there, and is no environment of this tool: move it away, then run the same command again"
    return 1
  fi
  [ -e "$_made/.magnus-whole" ] || made "$_made" "$3" "$4" "$5" "$6" "$7" || return 1
  _was=$(readlink "$_link" 2>/dev/null)
  rm -f "$_link.new"
  ln -s "${_made##*/}" "$_link.new" || return 1
  # A link to a folder must be replaced, not moved into.
  if [ "$OS" = Darwin ] && [ -z "$ROOT" ]; then mv -fh "$_link.new" "$_link"; else mv -fT "$_link.new" "$_link"; fi || return 1
  forget_environments "$_link" "${_made##*/}" "${_was##*/}"
}

# made FOLDER LOCK PYTHON UV INDEX LINKS
made() {
  [ "$2" != - ] || fail "the environment $1 is not here any more" || return 1
  rm -rf "$1"
  mkdir -p "${1%/*}" || return 1
  (
    # Below /home a unit with ProtectHome would not find its interpreter.
    export UV_PYTHON_INSTALL_DIR="$ROOT/opt/magnus/python" UV_CACHE_DIR="$ROOT/var/cache/magnus/uv"
    # Else it leaves a folder in root's home.
    export UV_CREDENTIALS_DIR="$ROOT/var/cache/magnus/uv/credentials"
    export UV_NO_CONFIG=1 UV_NO_PROGRESS=1 UV_HTTP_TIMEOUT=120 UV_LINK_MODE=copy
    [ "$5" = - ] || export UV_DEFAULT_INDEX="$5"
    [ "$6" = - ] || export UV_FIND_LINKS="$6"
    case $3 in /*) ;; *) with_uv "$4" python install -q "$3" || exit 1 ;; esac
    with_uv "$4" venv -q --python "$3" "$1" &&
      with_uv "$4" pip sync -q --require-hashes --only-binary :all: --compile-bytecode --python "$1/bin/python" "$ROOT$2"
  ) || {
    rm -rf "$1"
    fail "uv cannot make the environment of $2"
    return 1
  }
  # What was downloaded is in the environment now, and is not wanted twice.
  rm -rf "$ROOT/var/cache/magnus/uv"
  chmod -R go+rX "$1" && sync && true >"$1/.magnus-whole"
}

with_uv() { # UV WORD...
  _uv=$1
  shift
  if [ -n "$ROOT" ]; then system uv "$@"; else "$_uv" "$@"; fi
}

# forget_environments LINK KEPT KEPT: those of other locks than these
forget_environments() {
  for _other in "$1"-*; do
    case ${_other##*/} in "$2" | "$3") continue ;; esac
    if is_made "$_other" "$1"; then rm -rf "$_other"; fi
  done
}

remove_environment() { # PATH
  no_detour "$1" || return 1
  if [ -e "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then fail "$ROOT$1 is no environment of this tool" || return 1; fi
  rm -f "$ROOT$1"
  for _one in "$ROOT$1"-*; do
    if is_made "$_one" "$ROOT$1"; then rm -rf "$_one"; fi
  done
}

# is_made FOLDER LINK: one of a lock of this link, whole or cut, and not something that is only named alike
is_made() {
  _lock=${1#"$2"-}
  case $_lock in *[!0-9a-f]*) return 1 ;; esac
  [ ${#_lock} = 16 ] && { [ -e "$1/pyvenv.cfg" ] || [ -e "$1/.magnus-whole" ]; }
}
