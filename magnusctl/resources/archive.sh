# ask_archive PATH...: "SHA256 STRIP URL" as it was unpacked, "foreign" for a folder that came otherwise, or "absent"
ask_archive() {
  for _path in "$@"; do
    _path=$ROOT$_path
    if [ -r "$_path/.magnus-archive" ]; then
      sed -n 1p "$_path/.magnus-archive"
    elif [ -e "$_path" ] || [ -L "$_path" ]; then
      echo foreign
    else
      echo absent
    fi
  done
}
