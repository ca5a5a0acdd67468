free_mac_id() { # RECORDS KEY FIRST: the first free number from that one up
  _used=$nl$(system dscl . -list "$1" "$2" | awk '{ print $NF }')$nl
  _id=$3
  while :; do
    case $_used in *"$nl$_id$nl"*) _id=$((_id + 1)) ;; *) break ;; esac
  done
  echo "$_id"
}

# put_user NAME EXISTS HOME SHELL SYSTEM GROUP,GROUP COMMENT; "-" is a value nobody declared
put_user() {
  _name=$1 _exists=$2 _home=$3 _shell=$4 _system=$5 _groups=$6 _comment=$7
  if [ "$OS" = Darwin ]; then
    put_mac_user
    return
  fi
  set --
  [ "$_home" = - ] || set -- "$@" -d "$_home"
  [ "$_shell" = - ] || set -- "$@" -s "$_shell"
  [ "$_comment" = - ] || set -- "$@" -c "$_comment"
  if [ "$_exists" = yes ]; then
    [ "$_groups" = - ] || set -- "$@" -a -G "$_groups"
    system usermod "$@" "$_name"
  else
    [ "$_groups" = - ] || set -- "$@" -G "$_groups"
    # useradd refuses to make a user's own group when one of that name is there.
    if system getent group "$_name" >/dev/null; then set -- "$@" -g "$_name"; fi
    if [ "$_system" = yes ]; then set -- "$@" --system; else set -- "$@" -m; fi
    system useradd "$@" "$_name"
  fi
}

put_mac_user() {
  _record=/Users/$_name
  if [ "$_exists" = no ]; then
    [ "$_home" != - ] || _home=/Users/$_name
    [ "$_shell" != - ] || _shell=/bin/zsh
    system dscl . -create "$_record" || return 1
    # Below 500 it is no person: it is not offered at the login window.
    _first=551 _gid=20 _owner=staff
    if [ "$_system" = yes ]; then
      _first=401 _owner=$_name _gid=$(mac_value "/Groups/$_name" PrimaryGroupID)
      [ -n "$_gid" ] || fail "there is no group $_name for the user $_name" || return 1
    fi
    system dscl . -create "$_record" UniqueID "$(free_mac_id /Users UniqueID $_first)" || return 1
    system dscl . -create "$_record" PrimaryGroupID "$_gid" || return 1
    [ "$_system" = no ] || system dscl . -create "$_record" IsHidden 1 || return 1
  fi
  [ "$_home" = - ] || system dscl . -create "$_record" NFSHomeDirectory "$_home" || return 1
  [ "$_shell" = - ] || system dscl . -create "$_record" UserShell "$_shell" || return 1
  [ "$_comment" = - ] || system dscl . -create "$_record" RealName "$_comment" || return 1
  if [ "$_exists" = no ]; then
    mkdir -p "$ROOT$_home" && own "$_name" "$_owner" "$ROOT$_home" || return 1
  fi
  [ "$_groups" != - ] || return 0
  IFS=,
  for _group in $_groups; do
    system dseditgroup -o edit -a "$_name" -t user "$_group" || return 1
  done
}

# remove_user NAME: the account; its files stay. Whoever is on the way out is not the one who holds the door.
remove_user() {
  [ "$1" != "$LOGIN" ] || fail "refusing to remove $1, the account that this job came in with" || return 1
  if [ "$OS" = Darwin ]; then system dscl . -delete "/Users/$1"; else system userdel "$1"; fi
}
