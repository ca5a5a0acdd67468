# Homebrew refuses root: it runs as the owner of its prefix.
brew_as_owner() {
  _brew=/opt/homebrew/bin/brew
  [ -x "$_brew" ] || _brew=/usr/local/bin/brew
  if [ -n "$ROOT" ]; then
    system brew "$@"
  elif [ ! -x "$_brew" ]; then
    fail "Homebrew is not installed"
  elif [ "$UID_NOW" = 0 ]; then
    # Homebrew wants a folder that its owner can read, and no update in the middle of a run.
    (cd / && sudo -n -H -u "$(stat -f %Su "$_brew")" env HOMEBREW_NO_AUTO_UPDATE=1 "$_brew" "$@")
  else
    "$_brew" "$@"
  fi
}

# ask_package NAME...: "installed VERSION", "held VERSION" or "absent", from one question to the package manager.
ask_package() {
  if [ "$OS" = Darwin ]; then
    _all=$nl$(brew_as_owner list --versions --formula 2>/dev/null | sed 's/ / installed /')$nl
  else
    # shellcheck disable=SC2016 # dpkg-query's own variables
    _all=$nl$(system dpkg-query -W -f='${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\n' "$@" 2>/dev/null |
      sed 's/ hold installed / held /; s/ [a-z]* installed / installed /')$nl
  fi
  for _name in "$@"; do
    case $_all in
    *"$nl$_name installed "*)
      _version=${_all#*"$nl$_name installed "}
      echo "installed ${_version%%"$nl"*}"
      ;;
    *"$nl$_name held "*)
      _version=${_all#*"$nl$_name held "}
      echo "held ${_version%%"$nl"*}"
      ;;
    *) echo absent ;;
    esac
  done
}
