# ask_artifact PATH...: the digest of its manifest, "partial BYTES" for what is on its way, "foreign" for a folder that
# came otherwise, or "absent"
ask_artifact() {
  for _path in "$@"; do
    _path=$ROOT$_path
    if [ -r "$_path/.magnus-artifact" ] && _told=$(digest_of "$_path/.magnus-artifact"); then
      printf '%s\n' "$_told"
    elif [ -e "$_path" ] || [ -L "$_path" ]; then
      echo foreign
    elif [ -d "$_path.magnus.part" ]; then
      echo "partial $(bytes_in "$_path.magnus.part")"
    else
      echo absent
    fi
  done
}

# bytes_in FOLDER: of all files in it. What du tells lags behind on some file systems.
bytes_in() {
  find "$1" -type f -exec ls -ln {} + 2>/dev/null | awk '/^-/ { bytes += $5 } END { printf "%.0f\n", bytes }'
}
