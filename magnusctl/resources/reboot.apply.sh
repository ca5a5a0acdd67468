# boot_anew: once this job has said all that it has to say. After a step that failed nothing is booted: what stands is
# not what was wanted.
boot_anew() {
  if grep -qE '^[^ ]* (failed|conflict|reverting) ' journal || [ -e pending ]; then
    fail "not booted anew: not all of this job was done"
    return 1
  fi
  detach boot
  begins boot || fail "what boots this host does not start"
}

# boot_late: in a process of its own, that waits for the end of the job. It lives until the host is down: while it does,
# the job keeps its lock. A job that was killed or called off boots nothing.
boot_late() {
  identity $$ >boot.new && mv boot.new boot || exit
  while [ ! -e over ] && lives_in pid; do sleep 1; done
  if [ ! -e over ] || [ -e cancel ]; then exit; fi
  # For whoever follows it to hear its end.
  sleep 2
  if [ "$OS" = Darwin ]; then system shutdown -r now; else system systemctl reboot; fi
  _tries=0
  while [ "$(boot_now)" = "$BOOT" ] && [ $_tries -lt 120 ]; do
    _tries=$((_tries + 1))
    sleep 1
  done
}
