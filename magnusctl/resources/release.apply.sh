# How a host goes from one release of a model to another. What is said begins with a word that its reader knows:
# "gate WHAT ok|failed …", "serving rN", "back rN", "outage SECONDS".

# switch_release NAME NUMBER HOW DRAIN_S: HOW is `beside` when both fit in memory, or `instead`. Each phase is written
# down before it begins, so that who comes after a power cut knows; all of them can be done again.
switch_release() {
  _model=$1 _to=$2
  _home=$STATE/models/$_model
  _from=-
  [ ! -r "$_home/serving" ] || read -r _from <"$_home/serving" || :
  [ -r "$_home/r$_to/how" ] || fail "release r$_to of $_model is not on this host" || return 1
  if [ "$_from" != - ] && [ ! -r "$_home/r$_from/how" ]; then _from=-; fi
  (umask 077 && : >"$_home/r$_to/said") || return 1
  _down=
  if [ "$_from" = "$_to" ]; then
    settle_release "$4"
    return
  fi
  if stop_strays && stop_old "$3" "$4" && phase start && unit_start "$_to" && phase gate && gate "$_to" && both_boot && phase flip && flip "$_to"; then
    switched "$4"
    return
  fi
  last_words "$_to"
  give_up
  return 1
}

# both_boot: where both fit, a boot in the middle of a flip starts whichever the front names
both_boot() { [ -n "$_down" ] || unit_enable "$_to"; }

# stop_strays: a cut switch to another release than this one ends where it began
stop_strays() {
  [ -r "$_home/switching" ] || return 0
  read -r _cut <"$_home/switching" || :
  [ "${_cut%%:*}" != "$_to" ] || return 0
  if [ "$_from" != - ] && unit_runs "$(how "$_model" "$_from" UNIT)"; then flip "$_from" || return 1; fi
  stop_others
}

# stop_others [DRAIN_S]: all but the one that serves and the one that is wanted
stop_others() {
  for _other in "$_home"/r*; do
    _other=${_other##*/r}
    case $_other in "$_from" | "$_to") continue ;; esac
    [ -r "$_home/r$_other/how" ] || continue
    [ -z "$1" ] || drain "$_other" "$1"
    unit_stop "$_other" disable || return 1
  done
}

# stop_old HOW DRAIN_S: where both do not fit. A switch that was cut has begun its outage then. Nobody new is led to an
# engine that ends: some answer with errors while they do.
stop_old() {
  if [ "$1" != instead ] || [ "$_from" = - ]; then return 0; fi
  if [ ! -r "$_home/down" ] || unit_runs "$(how "$_model" "$_from" UNIT)"; then
    # A boot may come in between: only the clock goes on then.
    whole "models/$_model" down "$(date +%s)" || return 1
  fi
  read -r _down <"$_home/down"
  phase stop-old || return 1
  close_front && front_reload && front_closed "$_from"
  drain "$_from" "$2"
  unit_stop "$_from" keep
}

# switched DRAIN_S: clients reach the new release; from here on a boot starts that, and the old one ends
switched() {
  if [ -n "$_down" ]; then
    measured outage_s $(($(date +%s) - _down))
    tell_outage
  fi
  keep_gate && whole "models/$_model" serving "$_to" || return 1
  # Beside the old one it was enabled before.
  [ -z "$_down" ] || unit_enable "$_to" || return 1
  say_switch "serving r$_to"
  if [ "$_from" != - ]; then
    phase drain && unit_disable "$_from"
    drain "$_from" "$1"
    unit_stop "$_from" disable || say "r$_from of $_model does not end"
  fi
  rm -f "$_home/switching" "$_home/down"
}

# keep_gate: what was measured, whole also after a power cut
keep_gate() { flush "$_home/r$_to/gate.new" && mv -f "$_home/r$_to/gate.new" "$_home/r$_to/gate"; }

# give_up: what ran before runs again, and clients never learn of the other
give_up() {
  phase back
  rm -f "$_home/r$_to/gate.new"
  unit_stop "$_to" disable
  if [ "$_from" = - ]; then
    # Of a port that cannot be had nginx would die at the next boot, and all models with it.
    rm -f "$ROOT$FRONT/$_model.upstream" "$ROOT$FRONT/$_model.server"
    front_reload
  elif come_back; then
    say_switch "back r$_from"
    if [ -n "$_down" ]; then tell_outage; fi
  else
    say_switch "lost r$_from"
    say "r$_from of $_model does not come back: magnusctl logs $_model"
  fi
  rm -f "$_home/switching" "$_home/down"
}

come_back() {
  unit_runs "$(how "$_model" "$_from" UNIT)" || unit_start "$_from" || return 1
  unit_enable "$_from"
  answers_again "$_from" && flip "$_from"
}

tell_outage() { say_switch "outage $(($(date +%s) - _down))"; }

# settle_release DRAIN_S: the release that serves already is made to run, and what a cut switch left over goes
settle_release() {
  # What is left over may have the memory that this one needs.
  phase start || return 1
  unit_runs "$(how "$_model" "$_to" UNIT)" || stop_others || return 1
  if unit_start "$_to" && unit_enable "$_to" && phase gate && gate "$_to" && flip "$_to"; then
    keep_gate || return 1
    say_switch "serving r$_to"
    stop_others "$1" || return 1
    rm -f "$_home/switching" "$_home/down"
    return 0
  fi
  rm -f "$_home/r$_to/gate.new"
  last_words "$_to"
  return 1
}

# stop_release NAME [forget]: nothing of it runs, also after a boot; its files stay, but for what was noted of it
stop_release() {
  _model=$1 _home=$STATE/models/$1 _from=- _to=- _last=
  [ ! -r "$_home/serving" ] || read -r _last <"$_home/serving" || :
  stop_others || return 1
  if [ -r "$_home/r$_last/how" ] && of_ollama "$_last"; then ollama_told "$_last" rm "$_model" >/dev/null 2>&1 || :; fi
  rm -f "$ROOT$FRONT/$_model.upstream"
  front_reload
  # What served last is what a start brings back, be it newer ones or not.
  [ ! -r "$_home/r$_last/how" ] || whole "models/$_model" stopped "$_last" || :
  rm -f "$_home/serving" "$_home/switching" "$_home/down"
  [ "${2:-}" != forget ] || rm -f "$_home/stopped" "$_home"/r*/said "$_home"/r*/log "$_home"/r*/gate "$_home"/r*/gate.new
}

phase() { whole "models/$_model" switching "$_to:$1"; }

# unit_start NUMBER: it runs, and no boot starts it yet: beside the one that serves it may not fit
unit_start() {
  if of_ollama "$1"; then
    ollama_make "$1"
    return
  fi
  _its=$(how "$_model" "$1" UNIT)
  if unit_runs "$_its"; then return 0; fi
  if start_it "$1"; then return 0; fi
  say_switch "gate process failed: $_its does not start: $(how_ended "$_its")"
  return 1
}

start_it() { # NUMBER
  if [ "$OS" = Darwin ]; then
    stop_job "$_its" || return 1
    # launchd loads only what is enabled.
    system launchctl enable "system/$_its" && system launchctl bootstrap system "$ROOT$(how "$_model" "$1" PLIST)" &&
      system launchctl disable "system/$_its"
  else
    system systemctl daemon-reload && spares "$_its" || return 1
    system systemctl reset-failed -- "$_its" 2>/dev/null || :
    system systemctl start -- "$_its"
  fi
}

unit_enable() { # NUMBER: a boot starts it
  if of_ollama "$1"; then return 0; fi
  if [ "$OS" = Darwin ]; then
    system launchctl enable "system/$(how "$_model" "$1" UNIT)"
  else
    system systemctl enable -- "$(how "$_model" "$1" UNIT)" 2>/dev/null
  fi
}

unit_disable() { # NUMBER
  if of_ollama "$1"; then return 0; fi
  _its=$(how "$_model" "$1" UNIT)
  if [ "$OS" = Darwin ]; then
    system launchctl disable "system/$_its"
  else
    gone "$_its" || system systemctl disable -- "$_its" 2>/dev/null
  fi
}

# unit_stop NUMBER keep|disable: kept is what is to run after a boot
unit_stop() {
  if of_ollama "$1"; then
    ollama_out "$1"
    return
  fi
  [ "$2" = keep ] || unit_disable "$1"
  _its=$(how "$_model" "$1" UNIT)
  if [ "$OS" = Darwin ]; then
    stop_job "$_its"
  else
    gone "$_its" || system systemctl stop -- "$_its"
  fi
}

# answers_again NUMBER: it may have to load its model first
answers_again() {
  _since=$(now_s) _most=$(how "$_model" "$1" SECONDS)
  until PATIENCE=5 asked "$1" "$(base_of "$1")/v1/models" -o /dev/null; do
    if [ $(($(now_s) - _since)) -ge "${_most:-600}" ]; then return 1; fi
    sleep 0.3
  done
}
