# ask_group NAME...: "present:GID:MEMBER,MEMBER" or "absent"; "@login" is whoever is logged in now
ask_group() {
  for _name in "$@"; do
    _members=
    if [ "$OS" = Darwin ]; then
      _gid=$(mac_value "/Groups/$_name" PrimaryGroupID)
      _members=$(mac_value "/Groups/$_name" GroupMembership | tr ' ' ',')
    elif _entry=$(system getent group "$_name"); then
      _members=${_entry##*:}
      _gid=${_entry#*:*:}
      _gid=${_gid%%:*}
    else
      _gid=
    fi
    case ",$_members," in *",$LOGIN,"*) _members=$_members,@login ;; esac
    if [ -n "$_gid" ]; then echo "present:$_gid:$_members"; else echo absent; fi
  done
}
