# How a host goes from one release of a model to another. What is said begins with a word that its reader knows:
# "gate WHAT ok|failed …", "serving rN", "back rN", "outage SECONDS".
FRONT=/etc/magnus/front

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
  if [ "$_from" = "$_to" ]; then
    settle_release || return 1
    return 0
  fi
  _down=
  if [ "$3" = instead ] && [ "$_from" != - ]; then
    phase stop-old && _down=$(date +%s) && unit_stop "$_from" keep || return 1
  fi
  if phase start && unit_start "$_to" && phase gate && gate "$_to" && phase flip && flip "$_to"; then
    if [ -n "$_down" ]; then
      tell "outage $(($(date +%s) - _down))"
      printf 'outage_s=%s\n' "$(($(date +%s) - _down))" >>"$_home/r$_to/gate"
    fi
    whole "models/$_model" serving "$_to" || return 1
    tell "serving r$_to"
    if [ "$_from" != - ]; then
      phase drain
      drain "$_from" "$4"
      unit_stop "$_from" disable
    fi
    rm -f "$_home/switching"
    return 0
  fi
  last_words "$_to"
  give_up
  return 1
}

# give_up: what ran before runs again, and clients never learn of the other
give_up() {
  phase back
  unit_stop "$_to" disable
  if [ "$_from" != - ]; then
    if ! unit_runs "$(how "$_model" "$_from" UNIT)"; then
      unit_start "$_from" && answers_soon "$_from" || say "r$_from of $_model does not come back: magnusctl logs $_model"
    fi
    flip "$_from" && tell "back r$_from"
    [ -z "$_down" ] || tell "outage $(($(date +%s) - _down))"
  else
    rm -f "$ROOT$FRONT/$_model.upstream"
    front_reload
  fi
  rm -f "$_home/switching"
}

# settle_release: the release that serves already is made to run, and what a cut switch left over goes
settle_release() {
  phase start
  unit_runs "$(how "$_model" "$_to" UNIT)" || unit_start "$_to" || { last_words "$_to"; return 1; }
  phase gate
  gate "$_to" && flip "$_to" || { last_words "$_to"; return 1; }
  tell "serving r$_to"
  for _other in "$_home"/r*; do
    _other=${_other##*/r}
    if [ "$_other" != "$_to" ] && [ -r "$_home/r$_other/how" ]; then unit_stop "$_other" disable; fi
  done
  rm -f "$_home/switching"
}

# stop_release NAME: nothing of it runs, also after a boot; its files stay
stop_release() {
  _model=$1 _home=$STATE/models/$1
  rm -f "$ROOT$FRONT/$_model.upstream" && front_reload
  for _other in "$_home"/r*; do
    _other=${_other##*/r}
    [ ! -r "$_home/r$_other/how" ] || unit_stop "$_other" disable || return 1
  done
  rm -f "$_home/serving" "$_home/switching"
}

# tell WORD...: for the journal, and for whoever asks later what became of this release
tell() {
  echo "$*"
  printf '%s\n' "$*" >>"$_home/r$_to/said"
}

phase() { whole "models/$_model" switching "$_to:$1"; }

unit_start() { # NUMBER
  _unit=$(how "$_model" "$1" UNIT)
  if [ "$OS" = Darwin ]; then
    stop_job "$_unit" || return 1
    system launchctl enable "system/$_unit" && system launchctl bootstrap system "$ROOT$(how "$_model" "$1" PLIST)"
  else
    system systemctl daemon-reload || return 1
    spares "$_unit" || return 1
    system systemctl reset-failed -- "$_unit" 2>/dev/null || :
    system systemctl enable -- "$_unit" 2>/dev/null && system systemctl start -- "$_unit"
  fi
}

# unit_stop NUMBER keep|disable: kept is what is to run after a boot
unit_stop() {
  _unit=$(how "$_model" "$1" UNIT)
  if [ "$OS" = Darwin ]; then
    [ "$2" = keep ] || system launchctl disable "system/$_unit"
    stop_job "$_unit"
  else
    [ "$2" = keep ] || gone "$_unit" || system systemctl disable -- "$_unit" 2>/dev/null
    gone "$_unit" || system systemctl stop -- "$_unit"
  fi
}

# flip NUMBER: from here on clients reach this release. nginx lets requests under way end where they began.
flip() {
  _port=$(how "$_model" "$1" PORT) _new=$ROOT$FRONT/.$_model.new
  _old=$ROOT$FRONT/$_model.upstream
  # shellcheck disable=SC2016 # variables of nginx
  printf 'set $release 127.0.0.1:%s;\nset $number r%s;\n' "$_port" "$1" >"$_new" && chmod 644 "$_new" || return 1
  if [ -r "$_old" ] && [ "$(digest_of "$_old")" = "$(digest_of "$_new")" ]; then
    rm -f "$_new"
  else
    mv -f "$_new" "$_old" && flush "$_old" || return 1
  fi
  if ! front_reload; then
    tell "gate front failed: nginx does not run or does not take it: $(front_says)"
    return 1
  fi
  front_answers "$1"
}

front_says() {
  if [ "$OS" = Darwin ]; then
    tail -n 1 "$ROOT/var/log/magnus/net.magnus.front.log" 2>/dev/null
  else
    system journalctl -q -u magnus-front.service -n 1 -o cat --no-pager 2>/dev/null
  fi
}

front_reload() {
  if [ "$OS" = Darwin ]; then
    system launchctl kill HUP system/net.magnus.front 2>/dev/null || :
  else
    system systemctl reload -- magnus-front.service
  fi
}

# front_answers NUMBER: through the port that clients know. A reload that cannot have the port says so in its log only.
front_answers() {
  _tries=0
  _where=$(how "$_model" "$1" FRONT)
  until asked "$1" "http://$_where/v1/models" -o /dev/null -D - | tr -d '\r' | grep -qi "^x-magnus-release: $_model r$1\$"; do
    _tries=$((_tries + 1))
    if [ $_tries -ge 25 ]; then
      tell "gate front failed: $_where does not answer: is the port taken by another program?"
      return 1
    fi
    sleep 0.2
  done
}

# drain NUMBER SECONDS: until nobody is connected with it any more
drain() {
  _port=$(how "$_model" "$1" PORT) _left=$(($2 * 5))
  while [ "$_left" -gt 0 ] && connected "$_port"; do
    _left=$((_left - 1))
    sleep 0.2
  done
}

connected() { # PORT
  if command -v ss >/dev/null 2>&1; then
    [ -n "$(ss -Htn state established "( dport = :$1 )" 2>/dev/null)" ]
  else
    netstat -an 2>/dev/null | grep "127.0.0.1[.:]$1 .*ESTABLISHED" | grep -q .
  fi
}

# asked NUMBER URL [WORD...]: with the key of its engine, which is in no argument list
asked() {
  _key=$(how "$_model" "$1" KEY) _url=$2
  shift 2
  case $_key in
  env:*) _line='s/^VLLM_API_KEY=//p' ;;
  plain:*) _line=1p ;;
  *)
    curl -fsS -m "${PATIENCE:-10}" "$@" -- "$_url" 2>>asked.said
    return
    ;;
  esac
  {
    printf 'header = "Authorization: Bearer '
    sed -n "$_line" "$ROOT${_key#*:}" | sed 's/[\\"]/\\&/g' | tr -d '\n'
    printf '"\n'
  } | curl -K - -fsS -m "${PATIENCE:-10}" "$@" -- "$_url" 2>>asked.said
}

answers_soon() { # NUMBER: within 10 s
  _tries=0
  until asked "$1" "http://127.0.0.1:$(how "$_model" "$1" PORT)/v1/models" -o /dev/null; do
    _tries=$((_tries + 1))
    [ $_tries -lt 50 ] || return 1
    sleep 0.2
  done
}

# gate NUMBER: only what has spoken, from the memory where it belongs and fast enough, is ever switched to
gate() {
  _n=$1 _results=$_home/r$1/gate.new
  _base=http://127.0.0.1:$(how "$_model" "$1" PORT)
  (umask 077 && : >"$_results") || return 1
  gate_up && gate_listed && gate_speaks && gate_memory && gate_speed || {
    rm -f "$_results"
    return 1
  }
  mv -f "$_results" "$_home/r$1/gate"
}

gated() { # WHAT WORD...: a part of the gate that is passed
  _what=$1
  shift
  tell "gate $_what ok $*"
}

# gate_up: the process lives, and its port answers. A process that ended does not come up by waiting.
gate_up() {
  _since=$(date +%s) _most=$(how "$_model" "$_n" SECONDS) _unit=$(how "$_model" "$_n" UNIT) _lost=0
  until asked "$_n" "$_base$(how "$_model" "$_n" HEALTH)" -o /dev/null; do
    if unit_runs "$_unit"; then _lost=0; else _lost=$((_lost + 1)); fi
    if [ $_lost -ge 3 ]; then
      tell "gate process failed: $_unit ended before it answered: $(how_ended "$_unit")"
      return 1
    fi
    if [ $(($(date +%s) - _since)) -ge "$_most" ]; then
      tell "gate port failed: timeout: no answer on $_base within $_most s"
      return 1
    fi
    sleep 0.3
  done
  if ! unit_runs "$_unit"; then
    tell "gate process failed: another program answers on $_base: port taken"
    return 1
  fi
  printf 'start_s=%s\n' "$(($(date +%s) - _since))" >>"$_results"
  gated process "$(($(date +%s) - _since)) s"
}

how_ended() { # UNIT
  if [ "$OS" = Darwin ]; then
    system launchctl print "system/$1" 2>/dev/null | sed -n 's/^[[:space:]]*last exit code = /exit /p' | sed -n 1p
  else
    system systemctl show -p Result -p ExecMainStatus --value -- "$1" 2>/dev/null | tr '\n' ' '
  fi
}

# gate_listed: exactly this name. A server that lists none answers "healthy" all the same.
gate_listed() {
  _id=$(how "$_model" "$_n" MODEL)
  if asked "$_n" "$_base/v1/models" | tr -d ' \n\t' | grep -qF "\"id\":\"$_id\""; then
    gated model "$_id"
  else
    tell "gate model failed: $_base does not list the model $_id"
    return 1
  fi
}

# said_by TOKENS: one answer, as JSON without blanks; _took is its seconds
said_by() {
  PATIENCE=$(how "$_model" "$_n" SPEAK)
  _body="{\"model\":\"$(how "$_model" "$_n" MODEL)\",\"prompt\":\"release r$_n of $_model counts: one two three\",\"max_tokens\":$1,\"temperature\":0}"
  _answer=$(asked "$_n" "$_base/v1/completions" -H 'Content-Type: application/json' -d "$_body" -w '\n%{time_total}')
  _code=$? PATIENCE=
  _took=${_answer##*"$nl"}
  _answer=$(printf '%s' "${_answer%"$nl"*}" | tr -d ' \n\t')
  return $_code
}

number_in() { printf '%s' "$_answer" | sed -n "s/.*\"$1\":\([0-9][0-9]*\).*/\1/p"; } # KEY

gate_speaks() {
  if [ "$(how "$_model" "$_n" KIND)" != chat ]; then
    gate_embeds
    return
  fi
  said_by 16 || { tell "gate speech failed: no answer to 16 tokens: $(tail -n 1 asked.said)"; return 1; }
  _tokens=$(number_in completion_tokens)
  case $_answer in
  *'"finish_reason":"length"'*) [ "${_tokens:-0}" = 16 ] ;;
  *'"finish_reason":"stop"'*) [ "${_tokens:-0}" -ge 1 ] ;;
  *) false ;;
  esac || {
    tell "gate speech failed: ${_tokens:-no} tokens, and an end that is none: $(printf '%s' "$_answer" | cut -c 1-200)"
    return 1
  }
  gated speech "$_tokens tokens"
}

gate_embeds() {
  _answer=$(asked "$_n" "$_base/v1/embeddings" -H 'Content-Type: application/json' \
    -d "{\"model\":\"$(how "$_model" "$_n" MODEL)\",\"input\":\"hello\"}") && case $_answer in
  *'"embedding"'*) gated speech "an embedding" ;;
  *) false ;;
  esac || { tell "gate speech failed: no embedding came"; return 1; }
}

# gate_memory: weights that are not where they belong are read from elsewhere, many times slower
gate_memory() {
  _least=$(how "$_model" "$_n" RESIDENT)
  [ "${_least:-0}" != 0 ] || return 0
  _kib=$(resident_kib) || return 0
  printf 'resident_bytes=%s\n' "$((_kib * 1024))" >>"$_results"
  if [ $((_kib * 1024)) -lt "$_least" ]; then
    tell "gate memory failed: $((_kib / 1024)) MiB are resident, at least $((_least / 1048576)) MiB are the weights: do they lie on the CPU?"
    return 1
  fi
  gated memory "$((_kib / 1024)) MiB"
}

# resident_kib: of the card what the unit's processes have there; else what they have in memory
resident_kib() {
  _pids=$(pids_of "$(how "$_model" "$_n" UNIT)")
  [ -n "$_pids" ] || return 1
  if [ "$(how "$_model" "$_n" MEMORY)" = cuda ]; then
    system nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits 2>/dev/null |
      awk -F ', *' -v "pids= $_pids " 'index(pids, " " $1 " ") { sum += $2 } END { printf "%d\n", sum * 1024 }'
  else
    # shellcheck disable=SC2086 # several numbers
    ps -o rss= -p "$(printf '%s' $_pids | sed 's/ /,/g')" >/dev/null 2>&1
    _sum=0
    for _pid in $_pids; do
      _rss=$(ps -o rss= -p "$_pid" 2>/dev/null | tr -d ' ')
      _sum=$((_sum + ${_rss:-0}))
    done
    echo $_sum
  fi
}

pids_of() { # UNIT
  if [ "$OS" = Darwin ]; then
    _main=$(system launchctl print "system/$1" 2>/dev/null | sed -n 's/^[[:space:]]*pid = //p' | sed -n 1p)
  else
    _main=$(system systemctl show -p MainPID --value -- "$1" 2>/dev/null)
  fi
  if [ "${_main:-0}" = 0 ]; then return 0; fi
  # With its children: vLLM's engine is one.
  ps -A -o pid= -o ppid= 2>/dev/null | awk -v "top=$_main" '
    { parent[$1] = $2 }
    END {
      for (pid in parent) {
        for (up = pid; up in parent && up != top && ++steps < 100000; up = parent[up]) if (up == parent[up]) break
        if (up == top) printf "%s ", pid
      }
    }'
}

# gate_speed: what one token more takes: a prompt that was read before costs both answers the same
gate_speed() {
  [ "$(how "$_model" "$_n" KIND)" = chat ] || return 0
  said_by 1 || return 0
  said_by 1 || return 0
  _one=$_took
  said_by 33 || return 0
  _tokens=$(number_in completion_tokens)
  _rate=$(awk -v n="${_tokens:-0}" -v a="$_one" -v b="$_took" 'BEGIN { if (n > 1 && b > a) printf "%.1f", (n - 1) / (b - a) }')
  [ -n "$_rate" ] || return 0
  printf 'decode_tps=%s\n' "$_rate" >>"$_results"
  _floor=$(how "$_model" "$_n" FLOOR)
  if awk -v rate="$_rate" -v floor="${_floor:-0}" 'BEGIN { exit !(rate < floor) }'; then
    tell "gate speed failed: $_rate tokens/s, at least $_floor are wanted"
    return 1
  fi
  gated speed "$_rate tokens/s"
}

# last_words NUMBER: what its engine said last, for whoever asks why
last_words() {
  _log=$(how "$_model" "$1" LOG)
  if [ "$_log" = - ]; then
    system journalctl -u "$(how "$_model" "$1" UNIT)" -n 400 -o cat --no-pager 2>/dev/null
  else
    tail -n 400 "$ROOT$_log" 2>/dev/null
  fi >"$_home/r$1/log.new" || :
  mv -f "$_home/r$1/log.new" "$_home/r$1/log"
}
