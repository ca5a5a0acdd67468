# ask_models FOLDER PROGRAM...: what this host serves and could serve, a line each: models, releases, gates, files of
# models, ports that are taken, programs of engines that are there, and memory. Values are KiB where they are sizes.
ask_models() {
  for _one in "$STATE"/models/*/; do
    [ -d "$_one" ] || continue
    _one=${_one%/}
    echo "model ${_one##*/} $(ask_release "${_one##*/}")"
    if [ -s "$_one/stopped" ]; then echo "stopped ${_one##*/} $(cat "$_one/stopped")"; fi
    for _each in "$_one"/r*/; do
      _each=${_each%/}
      if [ -r "$_each/record" ]; then printf 'release %s\n' "$(cat "$_each/record")"; fi
      if [ -r "$_each/gate" ]; then echo "gate ${_one##*/} ${_each##*/r} $(tr '\n' ' ' <"$_each/gate")"; fi
    done
  done
  for _each in "$ROOT$1"/store/*/.magnus-artifact; do
    _here=${_each%/.magnus-artifact}
    [ ! -r "$_each" ] || echo "files $(du -sk "${_each%/*}" | awk '{ print $1 }') ${_here#"$ROOT"}"
  done
  _store=$1
  shift
  for _each in "$@"; do [ ! -x "$ROOT$_each" ] || echo "program $_each"; done
  set -- "$_store"
  taken_ports | sort -un | sed 's/^/port /'
  if [ -r "$ROOT/proc/meminfo" ]; then
    awk '/^MemTotal:/ { print "memory total " $2 } /^MemAvailable:/ { print "memory free " $2 }' "$ROOT/proc/meminfo"
  fi
  if has nvidia-smi; then
    system nvidia-smi --query-gpu=memory.total,memory.free --format=csv,noheader,nounits 2>/dev/null |
      awk -F ', *' '$1 ~ /^[0-9]+$/ { total += $1; free += $2 }
        END { if (total) { print "card total " total * 1024; print "card free " free * 1024 } }'
  fi
  if [ "$OS" = Darwin ]; then
    _wired=$(system sysctl -n iogpu.wired_limit_mb 2>/dev/null)
    [ "${_wired:-0}" = 0 ] || echo "wired total $((_wired * 1024))"
  fi
  if [ -d "$ROOT$1" ]; then df -Pk "$ROOT$1" | awk 'NR == 2 { print "disk free " $4 }'; fi
}

taken_ports() {
  if has ss; then
    system ss -Hltn 2>/dev/null | awk '{ sub(/.*:/, "", $4); print $4 }'
  elif has netstat; then
    system netstat -an 2>/dev/null | awk '/LISTEN/ { sub(/.*[.:]/, "", $4); print $4 }'
  fi
}

# kept_log NAME NUMBER: what the switch to a release said, and its engine last when it failed
kept_log() {
  [ ! -r "$STATE/models/$1/r$2/said" ] || sed 's/^/said /' "$STATE/models/$1/r$2/said"
  [ ! -r "$STATE/models/$1/r$2/log" ] || tail -n 400 "$STATE/models/$1/r$2/log" | sed 's/^/log /'
}

# engine_help SECONDS PROGRAM WORD...: the options that an engine says it has, each once. It may say all and not end, and
# one that no signal ends, as on a disk that hangs, is not waited for.
engine_help() {
  _most=$1 _program=$ROOT$2
  shift 2
  # shellcheck disable=SC2016 # fields of awk
  { timed "$_most" "$_program" "$@" & } 2>&1 </dev/null | timed $((_most + 5)) awk '
    { n = split($0, words, /[^-A-Za-z0-9_]+/); for (i = 1; i <= n; i++) if (words[i] ~ /^--[a-z]/) said[words[i]] }
    END { for (word in said) if (++count <= 2000) print word }' || :
}

# log_since UNIT LOG CURSOR LINES: what a release logged after a cursor ("-": its last lines), then the next cursor
log_since() {
  if [ "$2" != - ]; then
    file_since "$ROOT$2" "$3" "$4"
    return
  fi
  if [ "$3" = - ]; then set -- "$1" -n "$4"; else set -- "$1" --after-cursor "$3"; fi
  _unit=$1
  shift
  system journalctl -q --no-pager -o short-iso -u "$_unit" --show-cursor "$@" 2>/dev/null |
    sed -e 's/^-- cursor: /cursor /;t' -e 's/^/log /'
}

file_since() { # FILE CURSOR LINES: whole lines; what is being written comes the next time
  _size=0
  [ ! -r "$1" ] || _size=$(wc -c <"$1" | tr -d ' ')
  _real=$_size
  # A line longer than this comes in parts.
  if [ "$_size" != 0 ] && [ -n "$(last_of "$1" 1)" ]; then _size=$((_size - $(last_of "$1" 65536 | tail -n 1 | wc -c))); fi
  if [ "$2" != - ] && [ "$2" -gt "$_size" ] && [ "$2" -le "$_real" ]; then _size=$2; fi
  if [ "$2" = - ] || [ "$2" -gt "$_size" ]; then
    last_of "$1" 4194304 | tail -n "$3"
  else
    tail -c "+$(($2 + 1))" "$1" 2>/dev/null | head -c "$((_size - $2))"
  fi | awk '{ print "log " $0 }'
  echo "cursor $_size"
}

last_of() { # FILE N: the last N of its first $_size bytes
  _begin=0
  if [ "$_size" -gt "$2" ]; then _begin=$((_size - $2)); fi
  tail -c "+$((_begin + 1))" "$1" 2>/dev/null | head -c "$((_size - _begin))"
}
