# How the files of a model come: with curl, or with the hub's own program; watched, and begun anew where that helps.

# bring [HF REPOSITORY REVISION ENDPOINT]: what is missing, watched while it comes
bring() {
  case $_source in
  pushed)
    of "$(sed -n 1p files/missing)"
    fail "$(wc -l <files/missing | tr -d ' ') of $(wc -l <"$_list" | tr -d ' ') files are not in $_part, or not whole: $_name is the first. Send them again"
    return 1
    ;;
  esac
  if [ "$_token" != - ] && [ ! -s "$ROOT$_token" ]; then fail "the file $ROOT$_token with the token is not there" || return 1; fi
  (watch_fetch "$(identity $$)") </dev/null >/dev/null 2>&1 &
  _watcher=$!
  if [ "$_source" = hf ]; then bring_with_hf "$@"; else bring_with_curl; fi
  _brought=$?
  kill -s KILL $_watcher 2>/dev/null
  wait $_watcher 2>/dev/null
  rm -f files/token "$_target.magnus.pid"
  return $_brought
}

# watch_fetch IDENTITY: tell how far it is; end what brings nothing for a while, and what has lost who began it
watch_fetch() {
  _total=$(awk '{ bytes += $2 } END { printf "%.0f\n", bytes }' "$_list")
  _seen='' _quiet=0
  # shellcheck disable=SC2086 # three words
  while sleep 2 && lives $1; do
    _now=$(bytes_in "$_part")
    if [ "$_now" != "$_seen" ]; then
      event moved "$STEP" "$_now" "$_total"
      _seen=$_now _quiet=0
    elif [ -s "$_target.magnus.pid" ]; then
      _quiet=$((_quiet + 2))
    else
      _quiet=0
    fi
    if [ $_quiet -ge "$_stall" ]; then
      true >files/stalled
      end_fetch
      _quiet=0
    fi
  done
  # By now it may be another job's.
  _begun_by=
  [ ! -s "$_target.magnus.pid" ] || read -r _pid _begun_by <"$_target.magnus.pid"
  [ "$_begun_by" != "$JOB.$STEP" ] || end_fetch
}

# fetching PROGRAM WORD...: run it so that whoever comes later can end it
# shellcheck disable=SC2016 # for the shell that becomes it
fetching() { sh -c 'echo "$$ $2" >"$1"; shift 2; exec "$@"' sh "$_target.magnus.pid" "$JOB.$STEP" "$@"; }

# end_fetch: what fetches into this folder, be it of a job that died
end_fetch() {
  [ -s "$_target.magnus.pid" ] || return 0
  read -r _pid _ <"$_target.magnus.pid"
  _naps=0
  while fetches "$_pid" && [ $_naps -lt 100 ]; do
    kill -s KILL "$_pid" 2>/dev/null
    sleep 0.05
    _naps=$((_naps + 1))
  done
  rm -f "$_target.magnus.pid"
}

# fetches PID: a pid comes again, so its words must name our folder
fetches() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  if [ -d /proc/self ]; then
    tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline"
  else
    ps -o args= -p "$1"
  fi 2>/dev/null | grep -qF "$_part"
}

# wrong: it came with other bytes than declared, which once may be an accident
wrong() {
  if grep -qsxF "$_entry" files/wrong; then
    fail "$_name has $_got: it came wrong twice, and nothing of it is used"
    return 1
  fi
  printf '%s\n' "$_entry" >>files/wrong
  tell "$_name has $_got: it is fetched once more"
}

full() { # why a program could not write
  fail "disk full: $(amount "$(free_kilobytes)") are free on ${_target%/*}: 'magnusctl models gc' would say what can go. What has come so far is kept"
}

gated() { # WHO ANSWER
  _with="the account of the token in $ROOT$_token"
  [ "$_token" != - ] || _with="an account, and name the file with its token"
  fail "gated: $1 answers $2: ask for access at the hub with $_with"
}

bring_with_curl() {
  command -v curl >/dev/null 2>&1 || fail "curl is not here to fetch with" || return 1
  token_for_curl || return 1
  while IFS= read -r _entry <&3 && IFS= read -r _url <&4; do
    of "$_entry"
    folder_for || return 1
    until fetch_file && proved; do
      [ -n "$_got" ] || return 1
      wrong || return 1
    done
  done 3<files/missing 4<files/urls
}

# token_for_curl: as a file that only we may read: what runs is seen by all
token_for_curl() {
  [ "$_token" != - ] || return 0
  _secret=
  read -r _secret <"$ROOT$_token" || :
  case $_secret in '' | *[!A-Za-z0-9_.~+/=-]*)
    fail "what the file $ROOT$_token holds is no token"
    return 1
    ;;
  esac
  (umask 077 && rm -f files/token && printf 'header = "Authorization: Bearer %s"\n' "$_secret" >files/token)
}

# fetch_file: with curl, to as many bytes as are declared. It goes on where it was cut, and gives up what brings nothing.
fetch_file() {
  _tries=0 _idle=0 _got=
  [ "$_size" != 0 ] || true >"$_part/$_name"
  _held=$(size_of "$_part/$_name")
  while [ "$_held" -lt "$_size" ]; do
    _from=$_held _tries=$((_tries + 1))
    rm -f files/stalled
    set -- -fsSL -g --proto =http,https --max-redirs 10 --connect-timeout 20 --max-filesize "$_size"
    set -- "$@" --speed-limit 1 --speed-time "$_stall" -C - -w '%{http_code}' -o "$_part/$_name"
    if [ "$_token" != - ]; then
      set -- "$@" -K files/token
      # Not every curl leaves the token out when it is led to another scheme.
      case $_url in https:*) set -- "$@" --proto-redir =https ;; esac
    fi
    _answer=$(fetching curl "$@" -- "$_url" 2>files/said)
    _code=$?
    rm -f "$_target.magnus.pid"
    _held=$(size_of "$_part/$_name")
    curl_ended && [ -z "$_got" ] || return 1
    [ -n "$_why" ] || return 0
    if [ "$_held" -gt "$_from" ]; then _idle=0; else _idle=$((_idle + 1)); fi
    if [ $_idle = 5 ] || [ $_tries = 100 ]; then
      fail "cannot fetch $_url: $_why; $_tries tries, $_held of $_size bytes are here and are kept"
      return 1
    fi
    tell "$_name: $_why; going on from byte $_held of $_size"
    [ $_idle = 0 ] || sleep $_idle
  done
}

# curl_ended: sets _why when to try again helps, _got when it will never be what is declared; fails when nothing helps
curl_ended() {
  _why=
  # What it ended with may be about the length of an error's own words.
  case $_code:$_answer in
  0:*) [ "$_held" -ge "$_size" ] || never "$_held bytes, and $_size are declared" ;;
  *:401 | *:403) gated "$_url" "$_answer" ;;
  *:404 | *:410) fail "$_url is not there: it answers $_answer" ;;
  *:416) never "fewer bytes than the $_size that are declared" ;;
  *:408 | *:429 | *:5??) _why="it answers $_answer" ;;
  22:* | *:4??) fail "$_url answers $_answer" ;;
  23:*) if [ "$(free_kilobytes)" -lt 1024 ]; then full; else fail "cannot write in $_part: $(tail -n 1 files/said)"; fi ;;
  33:* | 36:*)
    # It cannot begin in the middle.
    rm -f "$_part/$_name"
    _why="it cannot go on in the middle" _held=0
    ;;
  63:*) never "more bytes than the $_size that are declared" ;;
  28:* | 137:*) _why="nothing came for $_stall s" ;;
  *) _why=$(tail -n 1 files/said | cut -c 1-200) _why=${_why:-curl ended with $_code} ;;
  esac
}

never() { # WHAT
  _got=$1 _held=0
  rm -f "$_part/$_name"
}

# bring_with_hf HF REPOSITORY REVISION ENDPOINT. It ends well when the hub is away, too: only files count. It begins
# every file anew that is not whole, and leaves behind what it had of it.
bring_with_hf() {
  [ -x "$ROOT$1" ] || fail "$ROOT$1 is not here to fetch with" || return 1
  _idle=0
  while [ -s files/missing ]; do
    rm -rf "$_part/.cache" files/stalled
    _before=$(wc -l <files/missing)
    run_hf "$@"
    _code=$?
    rm -f "$_target.magnus.pid"
    prove_missing || return 1
    [ -s files/missing ] || return 0
    hf_ended "$2" || return 1
    if [ "$(wc -l <files/missing)" -lt "$_before" ]; then _idle=0; else _idle=$((_idle + 1)); fi
    if [ $_idle = 5 ]; then
      fail "hf cannot fetch $2: $_why; $_idle tries brought nothing. What is whole is kept"
      return 1
    fi
    tell "hf: $_why; fetching what is not whole once more"
    [ $_idle = 0 ] || sleep $_idle
  done
}

run_hf() { # HF REPOSITORY REVISION ENDPOINT
  _hf=$ROOT$1 _repository=$2 _revision=$3 _endpoint=$4
  set --
  while IFS= read -r _entry <&3; do
    of "$_entry"
    set -- "$@" "$_name"
  done 3<files/missing
  (
    unset HF_TOKEN HUGGING_FACE_HUB_TOKEN HUGGINGFACE_HUB_TOKEN
    # Nothing of root's home: neither what is cached there nor a token.
    export HF_HOME="$_part/.cache/home" HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_UPDATE_CHECK=1
    export HF_HUB_DISABLE_PROGRESS_BARS=1 NO_COLOR=1
    [ "$_endpoint" = - ] || export HF_ENDPOINT="$_endpoint"
    [ "$_token" = - ] || export HF_TOKEN_PATH="$ROOT$_token"
    fetching "$_hf" download "$_repository" --revision "$_revision" --local-dir "$_part" "$@"
  ) >files/said 2>&1 </dev/null
}

# prove_missing: what has come as declared is missing no more
prove_missing() {
  while IFS= read -r _entry <&3; do
    of "$_entry"
    if proved; then continue; fi
    printf '%s\n' "$_entry" >&5 || return 1
    [ -z "$_got" ] || wrong || return 1
  done 3<files/missing 5>files/left
  mv -f files/left files/missing
}

# hf_ended REPOSITORY: sets _why when to try again may help; fails when nothing helps
hf_ended() {
  _why=$(sed -n 's/^ *Error: *//p' files/said | head -n 1 | cut -c 1-200)
  [ -n "$_why" ] || _why=$(grep . files/said | tail -n 1 | cut -c 1-200)
  [ ! -e files/stalled ] || _why="nothing came for $_stall s"
  if [ -e files/stalled ] || [ "$_code" = 0 ]; then
    _why=${_why:-it ended well, and something is missing}
  elif grep -q 'No space left' files/said; then
    full
  elif grep -qi 'gated\|access denied\|401 client\|403 client' files/said; then
    gated "$1" "'${_why:-no}'"
  elif grep -q '^Error: .* not found\( in model .*\)\{0,1\}\.$\|Not Found for url\|404 Client' files/said; then
    fail "$1 is not there, or not all of it: $_why"
  fi
}
