# put_group NAME GID SYSTEM MEMBER...: members are added; those nobody declared stay. A GID of "-" is any.
put_group() {
  _name=$1 _gid=$2 _system=$3
  shift 3
  if [ "$(ask_group "$_name")" = absent ]; then make_group || return 1; fi
  for _member in "$@"; do
    [ "$_member" != @login ] || _member=$LOGIN
    if [ "$OS" = Darwin ]; then
      system dseditgroup -o edit -a "$_member" -t user "$_name" || return 1
    else
      system gpasswd -a "$_member" "$_name" || return 1
    fi
  done
}

make_group() { # of _name, _gid and _system
  if [ "$OS" = Darwin ]; then
    if [ "$_gid" = - ]; then system dseditgroup -o create "$_name"; else system dseditgroup -o create -i "$_gid" "$_name"; fi
  elif [ "$_gid" != - ]; then
    system groupadd -g "$_gid" "$_name"
  elif [ "$_system" = yes ]; then
    system groupadd --system "$_name"
  else
    system groupadd "$_name"
  fi
}

# leave_group NAME MEMBER...
leave_group() {
  _name=$1
  shift
  for _member in "$@"; do
    [ "$_member" != @login ] || _member=$LOGIN
    case " $(system id -Gn "$_member" 2>/dev/null) " in *" $_name "*) ;; *) continue ;; esac
    if [ "$OS" = Darwin ]; then
      system dseditgroup -o edit -d "$_member" -t user "$_name" || return 1
    else
      system gpasswd -d "$_member" "$_name" || return 1
    fi
  done
}

# remove_group NAME: that of a user may have gone with the user
remove_group() {
  if [ "$OS" = Darwin ]; then
    system dseditgroup -o delete "$1"
  elif system getent group "$1" >/dev/null; then
    system groupdel "$1"
  fi
}
