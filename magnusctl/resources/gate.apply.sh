# What a release must show before anybody is switched to it: it has spoken, from the memory where it belongs and fast
# enough. What is said begins with "gate WHAT ok|failed".

# say_switch WORD...: for the journal, and for whoever asks later what became of this release
say_switch() {
  echo "$*"
  printf '%s\n' "$*" >>"$_home/r$_to/said"
}

# asked NUMBER URL [WORD...]: with the key of its engine, which is in no argument list
asked() {
  _key=$(how "$_model" "$1" KEY) _url=$2
  shift 2
  case $_key in
  env:*) _line='s/^VLLM_API_KEY=//p' ;;
  plain:*) _line=1p ;;
  *)
    curl -fsS -m "${PATIENCE:-10}" "$@" -- "$_url" 2>asked.said
    return
    ;;
  esac
  {
    printf 'header = "Authorization: Bearer '
    sed -n "$_line" "$ROOT${_key#*:}" | sed 's/[\\"]/\\&/g' | tr -d '\n'
    printf '"\n'
  } | curl -K - -fsS -m "${PATIENCE:-10}" "$@" -- "$_url" 2>asked.said
}

base_of() { echo "http://$(address_of "$1"):$(how "$_model" "$1" PORT)"; } # NUMBER

address_of() { # NUMBER: loopback, but for a server that others share
  _where=$(how "$_model" "$1" ADDRESS)
  echo "${_where:-127.0.0.1}"
}

# gate NUMBER: what it measures becomes the release's own once clients reach that
gate() {
  _n=$1 _results=$_home/r$1/gate.new
  _base=$(base_of "$1")
  (umask 077 && : >"$_results") && gate_up && gate_listed && gate_speaks && gate_memory && gate_speed
}

measured() { printf '%s=%s\n' "$1" "$2" >>"$_results"; } # WHAT VALUE

gate_passed() { # WHAT WORD...: a part of the gate that is passed
  _what=$1
  shift
  say_switch "gate $_what ok $*"
}

# gate_up: the process lives, and its port answers. A process that ended does not come up by waiting.
gate_up() {
  _since=$(now_s) _most=$(how "$_model" "$_n" SECONDS) _lost=0
  _its=$(how "$_model" "$_n" UNIT)
  until PATIENCE=5 asked "$_n" "$_base$(how "$_model" "$_n" HEALTH)" -o /dev/null; do
    if unit_runs "$_its"; then _lost=0; else _lost=$((_lost + 1)); fi
    if [ $_lost -ge 3 ]; then
      gate_ended
      return 1
    fi
    if [ $(($(now_s) - _since)) -ge "${_most:-600}" ]; then
      say_switch "gate port failed: timeout: no answer on $_base within $_most s"
      return 1
    fi
    sleep 0.3
  done
  if ! unit_runs "$_its" || listens_not "$_its" "$(how "$_model" "$_n" PORT)"; then
    # What lived for one answer has ended all the same.
    if asked "$_n" "$_base$(how "$_model" "$_n" HEALTH)" -o /dev/null; then
      say_switch "gate process failed: another program answers on $_base: port taken"
    else
      gate_ended
    fi
    return 1
  fi
  measured start_s $(($(now_s) - _since))
  gate_passed process "$(($(now_s) - _since)) s"
}

gate_ended() { say_switch "gate process failed: $_its ended before it answered: $(how_ended "$_its")"; }

# listens_not UNIT PORT: it is known who listens there, and it is none of its processes
listens_not() {
  has ss || return 1
  _who=$(system ss -Hltnp "( sport = :$2 )" 2>/dev/null | tr ',' '\n' | sed -n 's/^pid=\([0-9]*\).*/\1/p')
  [ -n "$_who" ] || return 1
  _mine=" $(pids_of "$1") "
  for _pid in $_who; do
    case $_mine in *" $_pid "*) return 1 ;; esac
  done
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
    gate_passed model "$_id"
  else
    say_switch "gate model failed: $_base does not list the model $_id"
    return 1
  fi
}

# said_by TOKENS: one answer, as JSON without blanks; _took is its seconds
said_by() {
  _body="{\"model\":\"$(how "$_model" "$_n" MODEL)\",\"prompt\":\"release r$_n of $_model counts: one two three\",\"max_tokens\":$1,\"temperature\":0}"
  _answer=$(PATIENCE=$(how "$_model" "$_n" SPEAK) && asked "$_n" "$_base/v1/completions" \
    -H 'Content-Type: application/json' -d "$_body" -w '\n%{time_total}') || return 1
  _took=${_answer##*"$nl"}
  _answer=$(printf '%s' "${_answer%"$nl"*}" | tr -d ' \n\t')
}

number_in() { printf '%s' "$_answer" | sed -n "s/.*\"$1\":\([0-9][0-9]*\).*/\1/p"; } # KEY

gate_speaks() {
  if [ "$(how "$_model" "$_n" KIND)" != chat ]; then
    gate_embeds
    return
  fi
  if ! said_by 16; then
    say_switch "gate speech failed: no answer to 16 tokens: $(tail -n 1 asked.said)"
    return 1
  fi
  _tokens=$(number_in completion_tokens)
  case $_answer in
  *'"finish_reason":"length"'*) [ "${_tokens:-0}" = 16 ] ;;
  *'"finish_reason":"stop"'*) [ "${_tokens:-0}" -ge 1 ] ;;
  *) false ;;
  esac || {
    say_switch "gate speech failed: ${_tokens:-no} tokens, and an end that is none: $(printf '%s' "$_answer" | cut -c 1-200)"
    return 1
  }
  gate_passed speech "$_tokens tokens"
}

gate_embeds() {
  _answer=$(PATIENCE=$(how "$_model" "$_n" SPEAK) && asked "$_n" "$_base/v1/embeddings" \
    -H 'Content-Type: application/json' -d "{\"model\":\"$(how "$_model" "$_n" MODEL)\",\"input\":\"hello\"}")
  case $_answer in
  *'"embedding"'*) gate_passed speech "an embedding" ;;
  *)
    say_switch "gate speech failed: no embedding came"
    return 1
    ;;
  esac
}

# gate_memory: weights that are not where they belong are read from elsewhere, many times slower
gate_memory() {
  _least=$(how "$_model" "$_n" RESIDENT)
  [ "${_least:-0}" != 0 ] || return 0
  _kib=$(resident_kib) || return 0
  measured resident_bytes $((_kib * 1024))
  _short="$((_kib / 1024)) MiB are resident, at least $((_least / 1048576)) MiB are the weights"
  if [ $((_kib * 1024)) -ge "$_least" ]; then
    gate_passed memory "$((_kib / 1024)) MiB"
  elif [ "$OS" = Darwin ]; then
    # What its GPU has of a mapped file no program of macOS counts, and a GPU with no memory of its own is not missed.
    gate_passed memory "$_short: not all is counted here"
  else
    say_switch "gate memory failed: $_short: do they lie on the CPU?"
    return 1
  fi
}

# resident_kib: of the card what the unit's processes have there; else what they have in memory. Fails if unknown.
resident_kib() {
  if of_ollama "$_n"; then
    ollama_kib "$_n" | grep .
    return
  fi
  _pids=$(pids_of "$(how "$_model" "$_n" UNIT)")
  [ -n "$_pids" ] || return 1
  if [ "$(how "$_model" "$_n" MEMORY)" = cuda ]; then
    _used=$(system nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits 2>/dev/null) || return 1
    case $_used in *N/A* | *[Nn]ot*) return 1 ;; esac
    printf '%s\n' "$_used" |
      awk -F ', *' -v "pids= $_pids " 'index(pids, " " $1 " ") { sum += $2 } END { printf "%d\n", sum * 1024 }'
    return
  fi
  _sum=0
  for _pid in $_pids; do
    _rss=$(ps -o rss= -p "$_pid" 2>/dev/null | tr -d ' ')
    _gpu=$(footprint_kib "$_pid")
    if [ "${_gpu:-0}" -gt "${_rss:-0}" ]; then _rss=$_gpu; fi
    _sum=$((_sum + ${_rss:-0}))
  done
  echo $_sum
}

footprint_kib() { # PID: on a Mac the resident size is without what the GPU has of it
  [ "$OS" = Darwin ] || return 0
  system footprint "$1" 2>/dev/null | awk '
    $1 == "phys_footprint:" {
      unit = $3 == "GB" ? 1048576 : $3 == "MB" ? 1024 : $3 == "KB" ? 1 : 1 / 1024
      printf "%d\n", $2 * unit
      exit
    }'
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

# gate_speed: what one token more takes: a prompt that was read before costs both answers the same. A hiccup of the
# host is no verdict: what was too slow may show it once more.
gate_speed() {
  [ "$(how "$_model" "$_n" KIND)" = chat ] || return 0
  _floor=$(how "$_model" "$_n" FLOOR)
  said_by 1 || return 0
  rate
  if slower; then rate; fi
  [ -n "$_rate" ] || return 0
  measured decode_tps "$_rate"
  if slower; then
    say_switch "gate speed failed: $_rate tokens/s, at least $_floor are wanted"
    return 1
  fi
  gate_passed speed "$_rate tokens/s"
}

rate() { # tokens/s of one stream, or nothing where that cannot be told
  _rate=
  said_by 1 || return 0
  _one=$_took
  said_by 33 || return 0
  _tokens=$(number_in completion_tokens)
  # Where the answers take no time, what all of it took is the least that it can do.
  _rate=$(awk -v n="${_tokens:-0}" -v a="$_one" -v b="$_took" 'BEGIN {
    if (n > 1 && b > 0) printf "%.1f", (b > a) ? (n - 1) / (b - a) : n / b
  }')
}

slower() { [ -n "$_rate" ] && awk -v rate="$_rate" -v floor="${_floor:-0}" 'BEGIN { exit !(rate < floor) }'; }

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
