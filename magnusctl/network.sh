# Addresses, routes and packet filter as they were before a guarded stage, and how they come back: no file may hold them.
# snapshot_network NAME: as they are now
snapshot_network() {
  [ "$OS" = Linux ] && has ip || return 0
  system ip -o link show >/dev/null && links_and_routes >"network.$1" || return 1
  # Without the counters: they differ from one packet to the next.
  if has nft; then system nft -s list ruleset >"nft.$1" || rm -f "nft.$1"; fi
}

links_and_routes() {
  system ip -o addr show | awk '$3 == "inet" || $3 == "inet6" { print "address", $2, $4 }'
  system ip -o link show | awk '{ sub(/[@:].*/, "", $2); for (i = 3; i < NF; i++) {
    if ($i == "mtu") print "mtu", $2, $(i + 1)
    if ($i == "link/ether") print "card", $2, $(i + 1)
  } }'
  routes
}

routes() { # those of IPv6 that the kernel or a router made come again by themselves
  system ip -4 route show | route_lines -4
  system ip -6 route show | grep -v -e 'proto kernel' -e 'proto ra' | route_lines -6
}

# route_lines FAMILY: without what passes by itself, and with one blank between two words
route_lines() { sed -e 's/ linkdown//' -e 's/ expires [0-9]*sec//' -e "s/^/route $1 /" | awk '{ $1 = $1; print }'; }

# lines_of FILE NOT-IN: an empty list of patterns means every line, which not every grep thinks
lines_of() { if [ -s "$2" ]; then grep -vxF -f "$2" "$1"; else cat "$1"; fi; }

# names_of_now: network.before with the names that cards have in network.after: one that the stage renamed keeps its new
# name until the next boot. Several cards may have one address, so only names that went and names that came are pairs.
names_of_now() {
  awk '
    $1 != "card" && pass < 4 { next }
    pass == 1 { was[$2] = 1; next }
    pass == 2 { here[$2] = 1; if (!($2 in was)) came[$3] = $2; next }
    pass == 3 { if (!($2 in here) && ($3 in came)) is[$2] = came[$3]; next }
    {
      for (i = 2; i <= NF; i++) if ((i == 2 && $1 != "route" || $(i - 1) == "dev") && ($i in is)) $i = is[$i]
      print
    }' pass=1 network.before pass=2 network.after pass=3 network.before pass=4 network.before
}

# own_cards: without the lines of cards that programs make and take away, when those are gone
own_cards() {
  grep -v -e '^card ' -e 'proto kernel' -e ' fe80:' | while read -r _what _device _rest; do
    case $_device in
    veth* | vnet* | vb-* | tap* | tun* | docker* | br-* | virbr* | cni* | cali* | flannel* | lxc*)
      grep -q "^mtu $_device " network.now || continue
      ;;
    esac
    printf '%s ' "$_what $_device $_rest;"
  done
}

# rules_of_others FILE: without our own table, which its file and its unit bring back. What others have in the kernel
# (Docker, libvirt) is not loaded anew for its sake.
rules_of_others() {
  [ -e "$1" ] || return 0
  awk '/^table inet magnus \{/ { ours = 1 } !ours { print } /^}/ { ours = 0 }' "$1"
}

# restore_network: what the stage changed, and nothing else: others add addresses and routes at the same time
restore_network() {
  [ "$OS" = Linux ] && [ -e network.before ] || return 0
  [ -e network.after ] || snapshot_network after
  _filter=ok
  if [ -e nft.before ] && [ "$(rules_of_others nft.after)" != "$(rules_of_others nft.before)" ]; then
    system nft -s list ruleset >nft.now
    if [ "$(rules_of_others nft.now)" != "$(rules_of_others nft.before)" ]; then
      { echo flush ruleset && cat nft.before; } >nft.restore && system nft -f nft.restore || _filter=bad
    fi
  fi
  names_of_now >network.was
  lines_of network.was network.after >network.lost
  lines_of network.after network.was >network.new
  links_and_routes >network.now
  lines_of network.lost network.now | while read -r _what _device _value; do
    case $_what in
    mtu) system ip link set dev "$_device" mtu "$_value" ;;
    address) system ip addr add "$_value" dev "$_device" ;;
    esac
  done
  while read -r _what _device _value; do
    grep -qxF "$_what $_device $_value" network.now || continue
    case $_what:$_value in address:fe80:*) ;; address:*) system ip addr del "$_value" dev "$_device" ;; esac
  done <network.new
  routes >network.now
  # shellcheck disable=SC2086 # a route is words
  lines_of network.lost network.now | while read -r _what _family _value; do
    [ "$_what" != route ] || system ip "$_family" route replace $_value
  done
  # shellcheck disable=SC2086
  while read -r _what _family _value; do
    grep -qxF "$_what $_family $_value" network.now || continue
    case $_what:$_value in
    *'proto kernel'*) ;;
    route:*) system ip "$_family" route del $_value ;;
    esac
  done <network.new
  links_and_routes >network.now
  _missing=$(lines_of network.lost network.now | own_cards)
  # What some program has added again since is its own.
  _left=$(while read -r _line; do grep -xF "$_line" network.now; done <network.new |
    grep -v -e '^mtu ' -e 'proto dhcp' -e 'proto bird' -e 'proto zebra' -e 'proto bgp' -e 'proto ospf' | own_cards)
  if [ -n "$_missing$_left" ]; then
    event note network "the network is not as before; missing: ${_missing:-nothing}; still there: ${_left:-nothing}"
    return 1
  fi
  [ $_filter = ok ]
}
