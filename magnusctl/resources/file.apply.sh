# bytes_of SOURCE DIGEST: where bytes lie that came with the job, or that an earlier one kept
bytes_of() {
  case $1 in
  kept) printf '%s' "$STATE/kept/$2" ;;
  *) printf 'files/%s' "$2" ;;
  esac
}

# put_file SOURCE DIGEST PATH MODE OWNER GROUP VALIDATOR
put_file() { replace_file "$(bytes_of "$1" "$2")" "$3" "$4" "$5" "$6" "$7"; }

# remove_file PATH
remove_file() {
  no_detour "$1" || return 1
  if [ -d "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then fail "$ROOT$1 is a directory" || return 1; fi
  keep_old "$ROOT$1" && rm -f "$ROOT$1" || return 1
  case $1 in
  /etc/systemd/system/*) [ -n "$BOOTING" ] || system systemctl daemon-reload || : ;;
  esac
}

# only_new COMMAND...: run it on what is there and on what would be; only words that are new are an objection.
# The command is given the name of a folder: "was" or "would".
only_new() {
  "$@" was >objections.was 2>&1
  "$@" would >objections.would 2>&1 || {
    cat objections.would >&2
    return 1
  }
  sed 's#/would/#/was/#g' objections.would | grep -vxF -f objections.was >&2 || :
}

# stage_folder PATTERN STAGED PATH: copies of a folder's files, in "was" as they are, in "would" with the staged one.
stage_folder() {
  rm -rf was would && mkdir -p "was${3%/*}" "would${3%/*}" || return 1
  for _file in "$ROOT${3%/*}"/$1; do
    [ ! -f "$_file" ] || cp -p "$_file" "was${3%/*}/" || return 1
    [ ! -f "$_file" ] || cp -p "$_file" "would${3%/*}/" || return 1
  done
  cp -p "$2" "would$3"
}

sshd_judges() { # FOLDER
  sed "s#/etc/ssh/sshd_config.d/#$PWD/$1/etc/ssh/sshd_config.d/#" "$ROOT/etc/ssh/sshd_config" >"sshd.$1"
  system sshd -t -f "$PWD/sshd.$1" >/dev/null
}

# in_force KEY FILE: what the file says of a key is what the server would do for this login.
in_force() {
  _said=$(awk -v key="$1" 'tolower($1) == key { print tolower($2); exit }' "$2")
  [ -z "$_said" ] || grep -qx "$1 $_said" sshd.effective ||
    fail "another file of the server says otherwise: $(grep "^$1 " sshd.effective)"
}

# The first value wins, so a drop-in is judged among its neighbours, and by what comes out of them all.
validate_sshd() {
  if [ "$OS" = Linux ]; then mkdir -p "$ROOT/run/sshd" || return 1; fi
  grep -q '^[[:space:]]*[Ii]nclude.*/sshd_config\.d/' "$ROOT/etc/ssh/sshd_config" ||
    fail "the server's sshd_config does not include sshd_config.d" || return 1
  stage_folder '*' "$1" "$2" && only_new sshd_judges || return 1
  system sshd -T -f "$PWD/sshd.would" -C "user=$LOGIN,host=localhost,addr=127.0.0.1" >sshd.effective 2>/dev/null || return 1
  for _key in passwordauthentication kbdinteractiveauthentication permitrootlogin x11forwarding; do
    in_force "$_key" "$1" || return 1
  done
  if [ "$LOGIN" = root ] && grep -qx 'permitrootlogin no' sshd.effective; then
    fail "it would lock out root, who is logged in now: log in as a user who may use sudo" || return 1
  fi
  _groups=$(awk '$1 == "allowgroups" { $1 = ""; printf "%s", $0 }' sshd.effective)
  _mine=$(system id -Gn "$LOGIN")
  if [ -n "$_groups" ]; then
    for _group in $_groups; do
      case " $_mine " in *" $_group "*) return 0 ;; esac
    done
    fail "it would lock out $LOGIN, who is logged in now and in none of:$_groups"
  fi
}

validate_sudoers() { system visudo -cf "$1" >/dev/null; }

# Two firewalls in one kernel: a port is open only where both of them let it in, and nobody sees why.
validate_nft() {
  if grep -qs '^ENABLED=yes' "$ROOT/etc/ufw/ufw.conf"; then
    fail "ufw is on here. Turn it off (ufw disable), or say 'firewall: {enabled: false}'"
    return 1
  fi
  system nft -c -f "$1" >/dev/null
}

# It ends well whatever it reads, and says nothing of a block without an end.
validate_apt() {
  _open=$(tr -cd '{' <"$1") _closed=$(tr -cd '}' <"$1")
  [ ${#_open} = ${#_closed} ] || fail "a block of it has no end" || return 1
  system apt-config -c "$1" dump >/dev/null
}

# That all is well it says where others complain.
validate_perl() {
  _perl=$(system perl -c "$1" 2>&1) || fail "$_perl" || return 1
  [ "${_perl% syntax OK}" != "$_perl" ] || fail "$_perl"
}

# What GRUB reads is shell.
validate_shell() { "${MAGNUS_SH:-/bin/sh}" -n "$1"; }

# It prints how it understands a file, and on stderr that it is loading nothing.
validate_pf() { _pf=$(system pfctl -nf "$1" 2>&1) || fail "$_pf"; }

validate_newsyslog() { _log=$(system newsyslog -nvf "$1" 2>&1) || fail "$_log"; }

validate_chrony() { system chronyd -p -f "$1" >/dev/null; }

netplan_judges() { # FOLDER
  _generate=/usr/libexec/netplan/generate
  [ -x "$_generate" ] || _generate=/usr/lib/netplan/generate
  if [ -n "$ROOT" ]; then _generate=netplan-generate; fi
  system "$_generate" --root-dir "$PWD/$1"
}

# The generator reads all of /etc/netplan; warnings about a neighbour are not about this file.
validate_netplan() { stage_folder '*.yaml' "$1" "$2" && only_new netplan_judges; }

# The verifier wants the unit's own name, so the staged bytes are shown to it under that name.
validate_unit() {
  rm -rf unit && mkdir unit && cp "$1" "unit/${2##*/}" || return 1
  system systemd-analyze verify --man=no "$PWD/unit/${2##*/}" 2>unit.said || {
    # What it runs may come later, as with a release: whoever starts it before is told so then.
    _later='is not executable: No such file or directory$'
    if grep -q "$_later" unit.said && ! grep -qv "$_later" unit.said; then return 0; fi
    cat unit.said >&2
    return 1
  }
  # It also loads what the unit needs, and warns of that too.
  grep -F "/unit/${2##*/}" unit.said >&2 || :
}

# What is wrong it says where others say that all is well.
validate_plist() { _lint=$(system plutil -lint "$1" 2>&1) || fail "$_lint"; }
