# The front that clients know, nginx: whom it leads them to, and when nobody is there any more. "gate front failed …" is
# said as by the gate.
FRONT=/etc/magnus/front

# flip NUMBER: from here on clients reach this release. nginx lets requests under way end where they began.
flip() {
  if of_ollama "$1"; then ollama_alias "$1" || return 1; fi
  _port=$(how "$_model" "$1" PORT) _new=$ROOT$FRONT/.$_model.new
  _old=$ROOT$FRONT/$_model.upstream
  # shellcheck disable=SC2016 # variables of nginx
  printf 'set $release %s:%s;\nset $number r%s;\n' "$(address_of "$1")" "$_port" "$1" >"$_new" && chmod 644 "$_new" || return 1
  if [ -r "$_old" ] && [ "$(digest_of "$_old")" = "$(digest_of "$_new")" ]; then
    rm -f "$_new"
  else
    flush "$_new" && mv -f "$_new" "$_old" || return 1
  fi
  rm -f "$(closed_at)"
  if ! front_reload; then
    say_switch "gate front failed: nginx does not run or does not take it: $(front_says)"
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
  _since=$(now_s)
  _where=$(how "$_model" "$1" FRONT)
  until PATIENCE=3 asked "$1" "http://$_where/v1/models" -o /dev/null -D - | tr -d '\r' | grep -qi "^x-magnus-release: $_model r$1\$"; do
    if [ $(($(now_s) - _since)) -ge 20 ]; then
      say_switch "gate front failed: $_where does not answer: is the port taken by another program?"
      return 1
    fi
    sleep 0.2
  done
}

# drain NUMBER SECONDS: until nobody is connected with it any more
drain() {
  if of_ollama "$1"; then return 0; fi
  _port=$(how "$_model" "$1" PORT) _since=$(now_s)
  while connected "$_port" && [ $(($(now_s) - _since)) -lt "$2" ]; do sleep 0.2; done
}

connected() { # PORT
  if has ss; then
    [ -n "$(system ss -Htn state established "( dport = :$1 )" 2>/dev/null)" ]
  else
    system netstat -an 2>/dev/null | grep -q "127.0.0.1[.:]$1 .*ESTABLISHED"
  fi
}

# closed_at: the mark that the front leads nobody on; a boot takes it away, as it starts what is enabled
closed_at() {
  if [ "$OS" = Darwin ]; then echo "$ROOT/var/run/magnus-$_model.closed"; else echo "$ROOT/run/magnus-front/$_model.closed"; fi
}

close_front() {
  _mark=$(closed_at)
  # shellcheck disable=SC2016 # a variable of nginx
  [ -d "${_mark%/*}" ] && echo 'set $release "";' >"$_mark" && chmod 644 "$_mark"
}

# front_closed NUMBER: once it leads nobody to that release any more. nginx begins to reload after it was told to, and
# lets its old workers take clients for 0.1 s more.
front_closed() {
  _since=$(now_s) _where=$(how "$_model" "$1" FRONT)
  while PATIENCE=3 asked "$1" "http://$_where/v1/models" -o /dev/null -D - | grep -qi '^x-magnus-release: '; do
    if [ $(($(now_s) - _since)) -ge 5 ]; then return 0; fi
    sleep 0.1
  done
  sleep 0.3
}
