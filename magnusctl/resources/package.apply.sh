# Never a prompt, never a removed lock: a lock held by unattended-upgrades is waited for, and what a dpkg that was
# killed had begun is finished first.
APT_WAIT_S=${APT_WAIT_S:-600}

# apt_get WORD...: apt waits for dpkg's lock by itself, not for that of its lists
apt_get() {
  _until=$(($(now_s) + APT_WAIT_S)) _mended=
  while ! apt_once "$@"; do
    if grep -q 'dpkg was interrupted' "apt.$STEP" && [ -z "$_mended" ]; then
      event note "$STEP" "dpkg was interrupted here before; finishing what it had begun"
      _mended=yes
      unattended dpkg --force-confdef --force-confold --configure -a 2>&1 || return 1
    elif ! grep -q 'ould not get lock' "apt.$STEP"; then
      return 1
    elif [ "$(now_s)" -lt "$_until" ]; then
      sleep 2
    else
      fail "it was still held after $APT_WAIT_S s. What does it do there? Then run the same command again"
      return 1
    fi
  done
}

# apt_once WORD...: its output is told as it comes, and stays in a file for whoever wants to know why it failed.
# Without Use-Pty=0 apt gives its scripts a terminal, on which one may ask and wait for ever.
apt_once() {
  true >"apt.$STEP"
  {
    unattended apt-get -q -y -o DPkg::Lock::Timeout="$APT_WAIT_S" -o Dpkg::Use-Pty=0 \
      -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 2>&1
    echo $? >"apt.code.$STEP"
  } | while IFS= read -r _line || [ -n "$_line" ]; do
    printf '%s\n' "$_line"
    printf '%s\n' "$_line" >>"apt.$STEP"
    case $_line in *'ould not get lock'*) tell_lock "$_line" ;; esac
  done
  [ "$(cat "apt.code.$STEP")" = 0 ]
}

unattended() { # PROGRAM WORD...
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none system "$@"
}

# tell_lock LINE: once for each holder, in whose hands it is
tell_lock() {
  _lock=${1#*ould not get lock } _by='another program'
  _lock=${_lock%%[ :]*}
  case $1 in
  *'held by process '*)
    _by=${1#*held by process }
    _by=${_by%%)*}
    _by="pid ${_by%% *} (${_by#*\(})"
    ;;
  esac
  _note="waiting up to $((APT_WAIT_S / 60)) min for ${_lock%.}, held by $_by"
  [ "$(cat "apt.held.$STEP" 2>/dev/null)" != "$_note" ] || return 0
  printf '%s\n' "$_note" >"apt.held.$STEP"
  event note "$STEP" "$_note"
}

# unoffered NAME[=VERSION]...: what the package lists of this host know no candidate for, with what they do know
unoffered() {
  _policy=$nl$(policy_of "$@")$nl
  for _one in "$@"; do
    _name=${_one%%=*} _entry=
    case $_policy in
    *"$nl$_name:$nl"*)
      _entry=${_policy#*"$nl$_name:$nl"}
      _entry=${_entry#*Candidate: }
      _entry=${_entry%%"$nl"*}
      ;;
    esac
    case $_one:$_entry in
    *:'' | *:'(none)') printf ' %s' "$_name" ;;
    *=*) offers_version "$_name" "${_one#*=}" || printf ' %s (but %s)' "$_one" "$_known" ;;
    esac
  done
}

policy_of() { # NAME[=VERSION]...
  for _one in "$@"; do
    shift
    set -- "$@" "${_one%%=*}"
  done
  system apt-cache policy "$@"
}

# offers_version NAME VERSION: sets _known to those that are offered
offers_version() {
  _known=$(system apt-cache madison "$1" | awk -F '[ ]*[|][ ]*' '!seen[$2]++ { printf "%s%s", sep, $2; sep = ", " }')
  for _version in $(printf '%s' "$_known" | tr -d ','); do
    # A version may be a pattern, as apt has it.
    # shellcheck disable=SC2254
    case $_version in $2) return 0 ;; esac
  done
  return 1
}

# install_packages NAME[=VERSION]...
install_packages() {
  if [ "$OS" = Darwin ]; then
    brew_as_owner install --formula "$@"
    return
  fi
  if [ -n "$(unoffered "$@")" ]; then
    apt_get update || return 1
    _missing=$(unoffered "$@")
    [ -z "$_missing" ] || fail "no repository of this host offers:$_missing" || return 1
  fi
  apt_get install --no-install-recommends "$@" && return
  # Lists that are too old name files that the mirror has dropped.
  grep -q 'ailed to fetch' "apt.$STEP" || return 1
  apt_get update && apt_get install --no-install-recommends "$@"
}

# hold_packages hold|unhold NAME...
hold_packages() {
  [ "$OS" = Linux ] || fail "Homebrew holds no formula on behalf of this tool" || return 1
  system apt-mark "$@" >/dev/null
}

# remove_packages NAME...
remove_packages() {
  if [ "$OS" = Darwin ]; then brew_as_owner uninstall --formula "$@"; else apt_get remove "$@"; fi
}
