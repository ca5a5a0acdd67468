# The shell library that every probe and every job stands on. POSIX sh: dash, bash (3.2 too), busybox, zsh as sh.
# The caller sets NONCE (begins every line of an answer) and ROOT (a folder that every path is below, or empty).
# Each kind adds its own functions: resources/<kind>.sh.
LC_ALL=C
export LC_ALL
umask 022
nl='
'
STATE=$ROOT/var/lib/magnus
STANDINS=$ROOT/.standins
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin
PATH=$PATH:/usr/libexec/ApplicationFirewall
if [ -n "$ROOT" ]; then
  # A root that brings its own sh brings all of its programs: then nothing else can run by mistake.
  if [ -x "$STANDINS/sh" ]; then PATH=$STANDINS; else PATH=$STANDINS:$PATH; fi
  MAGNUS_ROOT=$ROOT
  export MAGNUS_ROOT
fi
export PATH
OS=$(uname -s)
UID_NOW=$(id -u)
LOGIN=${SUDO_USER:-$(id -un)}

if stat -c %a / >/dev/null 2>&1; then
  stat_lines() { stat -c '%a/%u/%g/%U/%G' "$@" | named_owners; }
else
  stat_lines() { stat -f '%Mp%Lp/%u/%g/%Su/%Sg' "$@" | named_owners; }
fi

# A number that has no name is told as the number, and so is one whose name has blanks; the first of several names of
# number 0 may be any.
named_owners() {
  awk -F / '
    function named(number, name) {
      if (number == 0 && name != "wheel") return "root"
      return name == "UNKNOWN" || name ~ /[[:space:]]/ || name == "" ? number : name
    }
    { print $1, named($2, $4), named($3, $5) }'
}

if command -v sha256sum >/dev/null 2>&1; then
  sha() { sha256sum "$@"; }
elif command -v shasum >/dev/null 2>&1; then
  sha() { shasum -a 256 "$@"; }
else
  sha() { openssl dgst -sha256 -r "$@"; }
fi

# Print one digest line for each path: a name with a newline would break the line of a shared call.
sha_lines() {
  case $* in
  *"$nl"* | *\\*) for _path in "$@"; do sha <"$_path"; done ;;
  *) [ $# = 0 ] || sha "$@" ;;
  esac
}

digest_of() {
  _sum=$(sha <"$1") || return 1
  printf '%s' "${_sum%% *}"
}

say() { printf 'magnus: %s\n' "$*" >&2; }

fail() {
  say "$*"
  return 1
}

# Run a program that reads or changes the system. Below a root only its stand-in may run, never the real one.
system() {
  if [ -n "$ROOT" ] && [ ! -x "$STANDINS/$1" ]; then
    say "$1: no stand-in below the root $ROOT"
    return 127
  fi
  "$@"
}

has() {
  if [ -n "$ROOT" ]; then [ -x "$STANDINS/$1" ]; else command -v "$1" >/dev/null 2>&1; fi
}

# Frame every line of standard input: text as it is, anything else in hexadecimal.
frame() {
  while IFS= read -r _line || [ -n "$_line" ]; do
    case $_line in
    *[!\ -~]*) printf '%sx %s\n' "$NONCE" "$(printf '%s' "$_line" | od -An -v -tx1 | tr -d ' \n')" ;;
    *) printf '%s. %s\n' "$NONCE" "$_line" ;;
    esac
  done
}

# ask NAME LINES FUNCTION [WORD...]: one group of answers, framed.
ask() {
  printf '%s> %s %s\n' "$NONCE" "$1" "$2"
  shift 2
  "$@" </dev/null | frame
}

# still ANSWER FUNCTION [WORD...]: is the state as it was when the change was planned?
still() {
  _want=$1
  shift
  _now=$("$@" </dev/null)
  [ "$_now" = "$_want" ] || fail "planned from '$_want', found '$_now'"
}

started_with() { # ID: the digest of the inputs of its last healthy start, or "-"
  _started=-
  [ ! -r "$STATE/started/$1" ] || read -r _started <"$STATE/started/$1" || :
}

# mac_value RECORD KEY: one value of the directory service; one with a blank stands on a line of its own
mac_value() {
  system dscl . -read "$1" "$2" 2>/dev/null | sed "s/^$2://; s/^ //" | sed '/^$/d' | sed -n 1p
}

boot_now() { # a name that no other boot of this machine has
  _boot=
  if [ "$OS" = Darwin ]; then
    _boot=$(system sysctl -n kern.bootsessionuuid 2>/dev/null)
  elif [ -r "$ROOT/proc/sys/kernel/random/boot_id" ]; then
    _boot=$(cat "$ROOT/proc/sys/kernel/random/boot_id")
  fi
  printf '%s\n' "${_boot:-unknown}"
}

ask_facts() {
  _id=unknown _version=unknown
  if [ "$OS" = Darwin ]; then
    _id=macos
    _version=$(system sw_vers -productVersion)
  else
    if [ -r "$ROOT/etc/os-release" ]; then
      while IFS='=' read -r _key _value; do
        _value=${_value#\"}
        case $_key in
        ID) _id=${_value%\"} ;;
        VERSION_ID) _version=${_value%\"} ;;
        esac
      done <"$ROOT/etc/os-release"
    fi
  fi
  _boot=$(boot_now)
  printf 'os=%s\nversion=%s\narch=%s\nkernel=%s\nlogin=%s\nuid=%s\nboot=%s\n' \
    "$_id" "$_version" "$(uname -m)" "$(uname -r)" "$LOGIN" "$UID_NOW" "$_boot"
  # What nobody confirmed may be taken back yet.
  for _one in "$STATE"/jobs/*/pending "$STATE"/jobs/*/reverting; do
    [ -e "$_one" ] || continue
    _one=${_one%/*}
    printf 'unsettled=%s\n' "${_one##*/}"
    break
  done
}
