# ask_environment PATH...: "lock DIGEST" of the folder that the link leads to, "broken" when that is not whole, "absent"
ask_environment() {
  for _path in "$@"; do
    _path=$ROOT$_path
    if [ ! -L "$_path" ]; then
      if [ -e "$_path" ]; then echo broken; else echo absent; fi
      continue
    fi
    _to=$(readlink "$_path")
    if [ -e "$_path/.magnus-whole" ] && [ -x "$_path/bin/python" ]; then
      echo "lock ${_to##*-}"
    else
      echo broken
    fi
  done
}
