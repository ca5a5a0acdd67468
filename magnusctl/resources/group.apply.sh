# put_group NAME EXISTS SYSTEM MEMBER...: members are added; those nobody declared stay.
put_group() {
  _name=$1 _exists=$2 _system=$3
  shift 3
  if [ "$_exists" = no ]; then
    if [ "$OS" = Darwin ]; then
      system dseditgroup -o create "$_name" || return 1
    elif [ "$_system" = yes ]; then
      system groupadd --system "$_name" || return 1
    else
      system groupadd "$_name" || return 1
    fi
  fi
  for _member in "$@"; do
    [ "$_member" != @login ] || _member=$LOGIN
    if [ "$OS" = Darwin ]; then
      system dseditgroup -o edit -a "$_member" -t user "$_name" || return 1
    else
      system gpasswd -a "$_member" "$_name" || return 1
    fi
  done
}

# leave_group NAME MEMBER...
leave_group() {
  _name=$1
  shift
  for _member in "$@"; do
    [ "$_member" != @login ] || _member=$LOGIN
    if [ "$OS" = Darwin ]; then
      system dseditgroup -o edit -d "$_member" -t user "$_name" || return 1
    else
      system gpasswd -d "$_member" "$_name" || return 1
    fi
  done
}

# remove_group NAME
remove_group() {
  if [ "$OS" = Darwin ]; then system dseditgroup -o delete "$1"; else system groupdel "$1"; fi
}
