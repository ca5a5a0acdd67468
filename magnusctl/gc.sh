# collect KEEP REALLY: what is no longer needed: jobs beyond the newest KEEP, temporary files of dead jobs, and kept
# bytes that no job and no origin speaks of. One line each: "KIND KILOBYTES NAME". Only with REALLY = yes it goes.
collect() {
  _gone=
  for _job in $(newest_first | tail -n +$(($1 + 1))); do
    _folder=$STATE/jobs/$_job
    if job_lives "$_folder" || [ -e "$_folder/pending" ] || [ -e "$_folder/reverting" ]; then continue; fi
    collect_temporary "$_folder" "$2"
    printf 'job %s %s\n' "$(kilobytes "$_folder")" "$_job"
    _gone="$_gone $_job"
    [ "$2" != yes ] || rm -rf "$_folder"
  done
  for _folder in "$STATE"/jobs/*; do
    if [ ! -e "$_folder/pid" ] || job_lives "$_folder"; then continue; fi
    collect_temporary "$_folder" "$2"
    [ ! -e "$_folder/payload" ] || {
      printf 'payload %s %s\n' "$(kilobytes "$_folder/payload")" "${_folder##*/}"
      [ "$2" != yes ] || rm -rf "$_folder/payload" "$_folder/files"
    }
  done
  # What lost its words to a power cut may be what speaks of them.
  for _one in "$STATE"/origin/* "$STATE"/jobs/*/manifest; do
    if [ -f "$_one" ] && [ ! -s "$_one" ]; then return 0; fi
  done
  _spoken=" $(spoken_of | tr '\n' ' ') "
  for _kept in "$STATE"/kept/*; do
    [ -f "$_kept" ] || continue
    case $_spoken in *" ${_kept##*/} "*) continue ;; esac
    printf 'kept %s %s\n' "$(kilobytes "$_kept")" "${_kept##*/}"
    [ "$2" != yes ] || rm -f "$_kept"
  done
}

newest_first() {
  for _about in "$STATE"/jobs/*/about; do
    [ -r "$_about" ] || continue
    _folder=${_about%/about}
    _order=$(cat "$_folder/order" 2>/dev/null)
    printf '%s %s\n' "${_order:-0}" "${_folder##*/}"
  done | sort -rn | cut -d ' ' -f 2
}

kilobytes() { du -sk "$1" 2>/dev/null | awk '{ print $1 }'; }

spoken_of() { # the digests in what stays: one look at it, however much there is
  for _one in "$STATE"/origin/* "$STATE"/jobs/*/manifest; do
    [ -f "$_one" ] || continue
    _of=${_one%/manifest}
    case " $_gone " in *" ${_of##*/} "*) ;; *) cat "$_one" ;; esac
  done | tr -c '0-9a-f' '\n' | awk 'length($0) == 64 && !seen[$0]++'
}

collect_temporary() { # FOLDER REALLY
  [ -r "$1/places" ] || return 0
  while IFS= read -r _place; do
    for _temporary in "$ROOT$_place/.magnus.${1##*/}."*; do
      if [ ! -f "$_temporary" ] || [ -L "$_temporary" ]; then continue; fi
      printf 'temporary %s %s\n' "$(kilobytes "$_temporary")" "$_temporary"
      [ "$2" != yes ] || rm -f "$_temporary"
    done
  done <"$1/places"
}
