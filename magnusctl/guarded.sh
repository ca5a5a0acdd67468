# Changes that can cut us off: a timer and the next boot take them back, unless somebody who came in anew says that
# they are good. Whoever renames "pending" first decides.

UNARMED=

# arm SECONDS: first the ways back, then the change. Sets UNARMED when they cannot be had: then no step begins any more.
arm() {
  # Whoever wants no more steps needs no way back from them.
  if [ -e cancel ]; then
    UNARMED=yes
    return
  fi
  # A power cut must find all that the way back needs, and so must a disk that gets full.
  if snapshot_network before 2>/dev/null && reserve_back && printf '%s\n' $(($(now_s) + $1)) >deadline && true >pending &&
    (umask 022 && hook_boot) && sync && detach timer; then
    if begins timer; then
      event arm "$1"
      return
    fi
  fi
  UNARMED=yes
  mv pending unarmed
  unhook_boot
  release_back
  event unarmed
  ready
}

# reserve_back: room for the way back, in blocks and in names of files
reserve_back() {
  dd if=/dev/zero of=reserve.back bs=4096 count=64 2>/dev/null && mkdir -p reserve.names || return 1
  _names=24
  for _one in $GUARDED; do _names=$((_names + 4)); done
  while [ $_names -gt 0 ]; do
    true >"reserve.names/$_names" || return 1
    _names=$((_names - 1))
  done
}

release_back() { rm -rf reserve.back reserve.names; }

BOOT_UNIT=/etc/systemd/system/magnus-revert.service
BOOT_LINK=/etc/systemd/system/sysinit.target.wants/magnus-revert.service
BOOT_PLIST=/Library/LaunchDaemons/net.magnus.revert.plist

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# hook_boot: the files that make the next boot begin with taking back. No here-documents: some shells need /tmp for
# them.
hook_boot() {
  printf 'exec %s %s revert %s %s boot\n' "$MAGNUS_SH" "$(quoted "$PWD/job")" "$(quoted "$ROOT")" "$(quoted "$LOGIN")" \
    >"$STATE/boot-revert" || return 1
  if [ "$OS" = Darwin ]; then
    mkdir -p "$ROOT${BOOT_PLIST%/*}" && boot_plist >"$ROOT$BOOT_PLIST"
  else
    mkdir -p "$ROOT${BOOT_LINK%/*}" && boot_unit >"$ROOT$BOOT_UNIT" && ln -sf "$BOOT_UNIT" "$ROOT$BOOT_LINK"
  fi
}

unhook_boot() {
  # The next job may have armed meanwhile: only what is ours goes.
  grep -qsF "$(quoted "$PWD/job")" "$STATE/boot-revert" || return 0
  rm -f "$ROOT$BOOT_UNIT" "$ROOT$BOOT_LINK" "$ROOT$BOOT_PLIST" "$STATE/boot-revert"
  # Only a folder that was made for the link is empty now.
  rmdir "$ROOT${BOOT_LINK%/*}" 2>/dev/null || :
}

boot_unit() {
  printf '%s\n' "[Unit]
Description=magnusctl takes back what nobody confirmed
DefaultDependencies=no
RequiresMountsFor=$STATE
After=local-fs.target systemd-remount-fs.service
Before=network-pre.target systemd-networkd.service systemd-resolved.service systemd-sysctl.service
Before=nftables.service magnus-nftables.service ufw.service netfilter-persistent.service iptables.service firewalld.service
Before=ssh.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
[Service]
Type=oneshot
ExecStart=/bin/sh $STATE/boot-revert"
}

boot_plist() {
  printf '%s\n' "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\"><dict>
<key>Label</key><string>net.magnus.revert</string>
<key>ProgramArguments</key><array><string>/bin/sh</string><string>$STATE/boot-revert</string></array>
<key>RunAtLoad</key><true/>
</dict></plist>"
}

# settle_boot: what systemd made of the files before they were restored, it makes of them again
settle_boot() {
  [ "$OS" = Linux ] || return 0
  if has netplan; then system netplan generate || return 1; fi
  if has systemctl; then
    system systemctl daemon-reload
    # Where a socket listens was read from the files, too.
    system systemctl try-restart --no-block ssh.socket 2>/dev/null || :
  fi
}

# stopping: the machine is on its way down, where nothing can be started any more; the next boot takes back
stopping() {
  [ -z "$ROOT" ] && [ -d /run/systemd/system ] && [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]
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
    snapshot_network after 2>/dev/null
    true >asked
    event confirm "$_wait"
  }
  while :; do
    if stopping; then exit 0; fi
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
      if [ -e reverting ] || [ -e pending ]; then revert the-timer-died; fi
    fi
    sleep 0.1
  done
  FAILED="$FAILED$_guarded"
}

# run_timer: the process that takes back when nobody confirms, whatever became of the job
run_timer() {
  trap '' HUP INT
  trap 'if stopping; then exit 0; fi' TERM
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
  # Where nothing can be renamed any more nobody can confirm it either.
  if ! mv pending reverting 2>/dev/null && [ ! -e pending ]; then
    # Nobody is left to tidy up behind a confirmation but us, if the job died.
    if [ -e confirmed ] && ! job_lives . && [ ! -e over ]; then
      unhook_boot
      event confirmed
    fi
    return 0
  fi
  _why=no-confirmation
  job_lives . || _why=the-job-died
  # A step that is under way is never cut, nor overtaken.
  while lives_in step; do sleep 0.2; done
  revert $_why
}

# now_is END: where nothing could be renamed when it began, nobody may confirm it afterwards
now_is() { mv reverting "$1" 2>/dev/null || { true >"$1" && rm -f pending; }; }

# revert WHY: undo what was begun, from the last change to the first, and say whether all of it went well
revert() {
  if stopping; then exit 0; fi
  release_back
  event reverting "$1"
  _bad=
  for _one in $UNDO_ORDER; do
    case "$GUARDED" in *" $_one "*) put_back "$_one" || _bad=yes ;; esac
  done
  [ -z "$BOOTING" ] || settle_boot || _bad=yes
  # A boot of the kernel begins with nothing; one of the programs alone begins with what was.
  # A container may have the boot id of the machine around it, and cards that are not up yet.
  [ "$BOOTING" = kernel ] || restore_network || [ -n "$BOOTING" ] || _bad=yes
  unhook_boot
  if [ -n "$_bad" ]; then
    event revert-failed
    now_is revert-failed
  else
    event reverted
    now_is reverted
  fi
}

# revert_late WHY: at boot, or when the next job finds what a dead one left, or again, when somebody at the console
# has removed what was in the way
revert_late() {
  # A line that a power cut ended is not the beginning of another.
  [ -z "$(tail -c 1 journal)" ] || echo >>journal
  if [ "$1" = boot ]; then
    # Somebody may start the boot's unit by hand, and a boot of all programs is not one of the kernel.
    if job_lives . || lives_in timer; then return 0; fi
    BOOTING=programs
    { read -r _was _ <pid && [ "$_was" = "$(boot_now)" ]; } || BOOTING=kernel
    if [ -e confirmed ]; then unhook_boot; fi
  fi
  export BOOTING
  [ "$1" != again ] || mv revert-failed reverting 2>/dev/null
  mv pending reverting 2>/dev/null || [ -e reverting ] || return 0
  revert "$1"
  if [ "$1" = again ]; then
    sed -n '/ reverting again$/,$p' journal
    [ ! -e revert-failed ]
  fi
}
