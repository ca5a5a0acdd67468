# ask_release NAME...: "SERVING RUNNING SWITCHING" of each model: the number of its release or "-", whether that runs,
# and what a switch that did not come to its end was about, as "4:gate", or "-"
ask_release() {
  for _name in "$@"; do
    _at=$STATE/models/$_name _serving=- _switching=- _running=no
    [ ! -r "$_at/serving" ] || read -r _serving <"$_at/serving" || :
    [ ! -r "$_at/switching" ] || read -r _switching <"$_at/switching" || :
    if [ "${_serving:--}" != - ] && [ -r "$_at/r$_serving/how" ] && unit_runs "$(how "$_name" "$_serving" UNIT)"; then
      _running=yes
    fi
    echo "${_serving:--} $_running ${_switching:--}"
  done
}

# how NAME NUMBER KEY: one value of how a release is run
how() { sed -n "s/^$3=//p" "$STATE/models/$1/r$2/how" | sed -n 1p; }

unit_runs() { # UNIT: of systemd, or a label of launchd
  if [ "$OS" = Darwin ]; then
    system launchctl print "system/$1" 2>/dev/null | grep -q '^[[:space:]]*state = running'
  else
    # What crashes and is started over and over does not run.
    case $(system systemctl show -p ActiveState -p SubState --value -- "$1" 2>/dev/null | tr '\n' ' ') in
    "active running "*) ;;
    *) return 1 ;;
    esac
  fi
}
