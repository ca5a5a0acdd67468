# ask_user NAME...: "present:UID:HOME:SHELL:GROUP,GROUP:COMMENT" or "absent"
ask_user() {
  for _name in "$@"; do
    if [ "$OS" = Darwin ]; then
      _uid=$(mac_value "/Users/$_name" UniqueID)
      if [ -z "$_uid" ]; then
        echo absent
        continue
      fi
      _groups=$(system id -Gn "$_name" | tr ' ' ',')
      echo "present:$_uid:$(mac_value "/Users/$_name" NFSHomeDirectory):$(mac_value "/Users/$_name" UserShell):$_groups:$(mac_value "/Users/$_name" RealName)"
    elif _entry=$(system getent passwd "$_name"); then
      _groups=$(system id -Gn "$_name" | tr ' ' ',')
      _rest=${_entry#*:*:}
      _uid=${_rest%%:*}
      _rest=${_rest#*:*:}
      _comment=${_rest%%:*}
      _rest=${_rest#*:}
      echo "present:$_uid:$_rest:$_groups:$_comment"
    else
      echo absent
    fi
  done
}
