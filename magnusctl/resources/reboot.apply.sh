# boot_anew: once this job has said all that it has to say. After a step that failed nothing is booted: what stands is
# not what was wanted.
boot_anew() {
  if grep -qE '^[^ ]* (failed|conflict|reverting) ' journal || [ -e pending ]; then
    fail "not booted anew: not all of this job was done"
    return 1
  fi
  detach boot
}

# boot_late: in a process of its own, that waits for the end of the job
boot_late() {
  _tries=0
  until [ -e over ] || [ $_tries -ge 900 ]; do
    _tries=$((_tries + 1))
    sleep 1
  done
  sleep 2
  if [ "$OS" = Darwin ]; then system shutdown -r now; else system systemctl reboot; fi
}
