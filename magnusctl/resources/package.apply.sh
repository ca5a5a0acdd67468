# Never a prompt, never a removed lock: a lock held by unattended-upgrades is waited for.
apt_get() {
  { apt_get_says "$@" 2>&1 || echo $? >"apt.$STEP"; } | while IFS= read -r _line; do
    printf '%s\n' "$_line"
    case $_line in *"Waiting for cache lock"*) event note "$STEP" "$_line" ;; esac
  done
  [ ! -e "apt.$STEP" ] || {
    rm -f "apt.$STEP"
    return 1
  }
}

apt_get_says() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none \
    system apt-get -q -y -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# Print the names for which this host's package lists know no candidate.
without_candidate() {
  _policy=$nl$(system apt-cache policy "$@")$nl
  for _name in "$@"; do
    case $_policy in
    *"$nl$_name:$nl"*)
      _entry=${_policy#*"$nl$_name:$nl"}
      _entry=${_entry#*Candidate: }
      [ "${_entry%%"$nl"*}" != '(none)' ] || printf ' %s' "$_name"
      ;;
    *) printf ' %s' "$_name" ;;
    esac
  done
}

# install_packages NAME[=VERSION]...
install_packages() {
  if [ "$OS" = Darwin ]; then
    brew_as_owner install --formula "$@"
    return
  fi
  _wanted="$*"
  for _name in "$@"; do
    shift
    set -- "$@" "${_name%%=*}"
  done
  if [ -n "$(without_candidate "$@")" ]; then
    apt_get update || return 1
    _missing=$(without_candidate "$@")
    [ -z "$_missing" ] || fail "no repository of this host offers:$_missing" || return 1
  fi
  # shellcheck disable=SC2086 # package names hold no spaces
  apt_get install --no-install-recommends $_wanted && return
  # Lists that are too old name files that the mirror has dropped.
  # shellcheck disable=SC2086
  apt_get update && apt_get install --no-install-recommends $_wanted
}

# remove_packages NAME...
remove_packages() {
  if [ "$OS" = Darwin ]; then brew_as_owner uninstall --formula "$@"; else apt_get remove "$@"; fi
}
