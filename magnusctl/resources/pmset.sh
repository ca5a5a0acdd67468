# ask_pmset KEY...: "= VALUE", with one value per power source where they differ; "missing" for a key this Mac lacks
ask_pmset() {
  _all=$(system pmset -g custom)
  for _key in "$@"; do
    printf '%s\n' "$_all" | awk -v key="$_key" '
      $1 == key && !($2 in seen) { seen[$2] = 1; values = values " " $2 }
      END { print values == "" ? "missing" : "=" values }'
  done
}
