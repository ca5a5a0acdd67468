# Changes that can cut us off: a timer and the next boot take them back, unless somebody who came in anew says that
# they are good. Whoever renames "pending" first decides.

UNARMED=

# arm SECONDS: first the ways back, then the change. Sets UNARMED when they cannot be had: then no step begins any more.
arm() {
  snapshot_network >network.before 2>/dev/null
  # A power cut must find all that the way back needs, and so must a disk that gets full.
  if dd if=/dev/zero of=reserve.back bs=4096 count=64 2>/dev/null && printf '%s\n' $(($(now_s) + $1)) >deadline && true >pending &&
    (umask 022 && hook_boot) && sync && detach timer; then
    _tries=0
    until lives_in timer; do
      _tries=$((_tries + 1))
      [ $_tries -lt 100 ] || break
      sleep 0.05
    done
    if lives_in timer; then
      event arm "$1"
      return
    fi
  fi
  UNARMED=yes
  mv pending unarmed
  unhook_boot
  rm -f reserve.back
  event unarmed
  ready
}

BOOT_UNIT=/etc/systemd/system/magnus-revert.service
BOOT_LINK=/etc/systemd/system/sysinit.target.wants/magnus-revert.service
BOOT_PLIST=/Library/LaunchDaemons/net.magnus.revert.plist

# hook_boot: the files that make the next boot begin with taking back
hook_boot() {
  printf 'exec %s "%s/job" revert "%s" "%s" boot\n' "$MAGNUS_SH" "$PWD" "$ROOT" "$LOGIN" >"$STATE/boot-revert" || return 1
  if [ "$OS" = Darwin ]; then
    mkdir -p "$ROOT${BOOT_PLIST%/*}" && boot_plist >"$ROOT$BOOT_PLIST"
  else
    mkdir -p "$ROOT${BOOT_LINK%/*}" && boot_unit >"$ROOT$BOOT_UNIT" && ln -sf "$BOOT_UNIT" "$ROOT$BOOT_LINK"
  fi
}

unhook_boot() {
  # The next job may have armed meanwhile: only what is ours goes.
  grep -qsF "\"$PWD/job\"" "$STATE/boot-revert" || return 0
  rm -f "$ROOT$BOOT_UNIT" "$ROOT$BOOT_LINK" "$ROOT$BOOT_PLIST" "$STATE/boot-revert"
  # Only a folder that was made for the link is empty now.
  rmdir "$ROOT${BOOT_LINK%/*}" 2>/dev/null || :
}

boot_unit() {
  cat <<END
[Unit]
Description=magnusctl takes back what nobody confirmed
DefaultDependencies=no
RequiresMountsFor=$STATE
After=local-fs.target systemd-remount-fs.service
Before=network-pre.target systemd-networkd.service nftables.service ssh.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
[Service]
Type=oneshot
ExecStart=/bin/sh $STATE/boot-revert
END
}

boot_plist() {
  cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>net.magnus.revert</string>
<key>ProgramArguments</key><array><string>/bin/sh</string><string>$STATE/boot-revert</string></array>
<key>RunAtLoad</key><true/>
</dict></plist>
END
}

# snapshot_network: addresses, routes and packet filter as they are, which no file may hold
snapshot_network() {
  [ "$OS" = Linux ] && has ip || return 0
  system ip -o addr show | awk '$3 == "inet" || $3 == "inet6" { print "address", $2, $4 }'
  system ip -o link show | awk '{ sub(/[@:].*/, "", $2); for (i = 3; i < NF; i++) if ($i == "mtu") print "mtu", $2, $(i + 1) }'
  system ip -4 route show | sed 's/^/route /'
  if has nft; then system nft list ruleset >nft.before; fi
}

# settle_boot: what systemd made of the files before they were restored, it makes of them again
settle_boot() {
  [ "$OS" = Linux ] || return 0
  if has netplan; then system netplan generate || return 1; fi
  if has systemctl; then system systemctl daemon-reload; fi
}

# restore_network: what differs from the snapshot, and nothing else
restore_network() {
  [ "$OS" = Linux ] && [ -s network.before ] || return 0
  if [ -e nft.before ] && [ "$(system nft list ruleset)" != "$(cat nft.before)" ]; then
    { echo flush ruleset && cat nft.before; } >nft.restore && system nft -f nft.restore || return 1
  fi
  mv nft.before nft.was 2>/dev/null || :
  snapshot_network >network.now
  grep -vxF -f network.now network.before | while read -r _what _device _value; do
    case $_what in
    mtu) system ip link set dev "$_device" mtu "$_value" ;;
    address) case $_value in fe80:*) ;; *) system ip addr add "$_value" dev "$_device" ;; esac ;;
    esac
  done
  grep -vxF -f network.before network.now | while read -r _what _device _value; do
    case $_what in address) case $_value in fe80:*) ;; *) system ip addr del "$_value" dev "$_device" ;; esac ;; esac
  done
  system ip -4 route show | sed 's/^/route /' >network.now
  # shellcheck disable=SC2086 # a route is words
  grep '^route ' network.before | grep -vxF -f network.now | while read -r _what _value; do
    system ip route replace ${_value%linkdown}
  done
  # shellcheck disable=SC2086
  grep -vxF -f network.before network.now | while read -r _what _value; do
    case $_value in *'proto kernel'*) ;; *) system ip route del ${_value%linkdown} ;; esac
  done
  return 0
}

# confirm_stage SECONDS N...: after the guarded steps, wait for somebody from outside, or take all back
confirm_stage() {
  printf '%s\n' $(($(now_s) + $1)) >deadline.new && mv -f deadline.new deadline
  _wait=$1
  shift
  _guarded=" $* "
  for _step in "$@"; do
    case " $FAILED " in *" $_step "*)
      _why=a-step-failed
      [ ! -e cancel ] || _why=cancelled
      if mv pending reverting 2>/dev/null; then revert $_why; fi
      ;;
    esac
  done
  [ ! -e pending ] || {
    true >asked
    event confirm "$_wait"
  }
  while :; do
    if [ -e confirmed ]; then
      unhook_boot
      event confirmed
      return
    fi
    if [ -e reverted ] || [ -e revert-failed ]; then break; fi
    if [ -e cancel ] && mv pending reverting 2>/dev/null; then revert cancelled; fi
    if ! lives_in timer; then
      mv pending reverting 2>/dev/null
      # Confirmed a moment ago is not lost: then there was nothing to rename.
      [ ! -e reverting ] || revert the-timer-died
    fi
    sleep 0.1
  done
  FAILED="$FAILED$_guarded"
}

# run_timer: the process that takes back when nobody confirms, whatever became of the job
run_timer() {
  trap '' PIPE HUP TERM INT
  umask 077
  exec </dev/null >>noise.timer 2>&1
  identity $$ >timer.new && mv -f timer.new timer
  while [ -e pending ]; do
    read -r _deadline <deadline
    [ "$(now_s)" -lt "$_deadline" ] || break
    # A job that died before it asked will never ask.
    if [ ! -e asked ] && ! job_lives .; then break; fi
    sleep 0.2
  done
  if ! mv pending reverting 2>/dev/null; then
    # Nobody is left to tidy up behind a confirmation but us, if the job died.
    if [ -e confirmed ] && ! job_lives . && [ ! -e over ]; then
      unhook_boot
      event confirmed
    fi
    return 0
  fi
  _why=no-confirmation
  job_lives . || _why=the-job-died
  revert $_why
}

# revert WHY: undo what was begun, from the last change to the first, and say whether all of it went well
revert() {
  rm -f reserve.back
  event reverting "$1"
  _bad=
  for _one in $UNDO_ORDER; do
    case "$GUARDED" in *" $_one "*) put_back "$_one" || _bad=yes ;; esac
  done
  if [ -n "$BOOTING" ]; then settle_boot; else restore_network; fi || _bad=yes
  unhook_boot
  if [ -n "$_bad" ]; then
    event revert-failed
    mv reverting revert-failed
  else
    event reverted
    mv reverting reverted
  fi
}

# revert_late WHY: at boot, or when the next job finds what a dead one left
revert_late() {
  [ "$1" != boot ] || BOOTING=yes
  export BOOTING
  mv pending reverting 2>/dev/null || [ -e reverting ] || return 0
  revert "$1"
}
