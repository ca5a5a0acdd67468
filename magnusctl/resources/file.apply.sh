# put_file DIGEST PATH MODE OWNER GROUP VALIDATOR
put_file() { replace_file "files/$1" "$2" "$3" "$4" "$5" "$6"; }

# remove_file PATH
remove_file() {
  if [ -d "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then fail "$ROOT$1 is a directory" || return 1; fi
  keep_old "$ROOT$1" && rm -f "$ROOT$1"
}

# A drop-in is read before the main file, and the first value wins: so they are judged as one text.
validate_sshd() {
  mkdir -p "$ROOT/run/sshd" && cat "$1" "$ROOT/etc/ssh/sshd_config" >sshd.merged || return 1
  system sshd -t -f "$PWD/sshd.merged" || return 1
  if [ "$LOGIN" = root ] && grep -Eqi '^[[:space:]]*permitrootlogin[[:space:]]+no' "$1"; then
    fail "it would lock out root, who is logged in now: log in as a user who may use sudo" || return 1
  fi
  _groups=$(awk 'tolower($1) == "allowgroups" { $1 = ""; print }' "$1")
  _mine=$(system id -Gn "$LOGIN")
  if [ -n "$_groups" ]; then
    for _group in $_groups; do
      case " $_mine " in *" $_group "*) return 0 ;; esac
    done
    fail "it would lock out $LOGIN, who is logged in now and in none of:$_groups"
  fi
}

validate_sudoers() { system visudo -cf "$1" >/dev/null; }

validate_chrony() { system chronyd -p -f "$1" >/dev/null; }

# The generator reads all of /etc/netplan, so the staged file is put among copies of its neighbours.
validate_netplan() {
  _generate=/usr/libexec/netplan/generate
  [ -x "$_generate" ] || _generate=/usr/lib/netplan/generate
  if [ -n "$ROOT" ]; then _generate=netplan-generate; fi
  rm -rf netplan && mkdir -p netplan/etc/netplan || return 1
  for _file in "$ROOT"/etc/netplan/*.yaml; do
    [ ! -f "$_file" ] || cp -p "$_file" netplan/etc/netplan/ || return 1
  done
  cp -p "$1" "netplan/etc/netplan/${2##*/}" || return 1
  system "$_generate" --root-dir "$PWD/netplan"
}

# The verifier wants the unit's own name, so the staged bytes are shown to it under that name.
validate_unit() {
  rm -rf unit && mkdir unit && cp "$1" "unit/${2##*/}" || return 1
  system systemd-analyze verify --man=no "$PWD/unit/${2##*/}"
}

validate_plist() { system plutil -lint "$1" >/dev/null; }
