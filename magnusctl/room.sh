# Is there room for what a job writes, and may it be written at all?

# room_for KILOBYTES DIRECTORY...: fails before the first step where a step would fail for want of space or of writing
room_for() {
  _need=$1
  shift
  for _dir in "$@"; do
    shift
    _dir=$ROOT$_dir
    until [ -d "${_dir:-/}" ]; do _dir=${_dir%/*}; done
    set -- "$@" "${_dir:-/}"
  done
  _short=$(room "$@" | awk -v need="$_need" '$1 < need { print need, $0; exit }')
  [ -z "$_short" ] || {
    event no-space "$_short"
    return 1
  }
  for _dir in "$@"; do
    # Not every shell knows of itself that even root cannot write there.
    _why=$( (set -C && true >"$_dir/.magnus.$JOB.room") 2>&1) || {
      case $_why in *'No space left'*) event no-files "$_dir" ;; *) event read-only "$_dir" ;; esac
      return 1
    }
    rm -f "$_dir/.magnus.$JOB.room"
  done
}

# room [DIRECTORY...]: "KILOBYTES WHERE", what is free where a job keeps its own, and in other places
room() { df -Pk "$STATE" "$@" 2>/dev/null | awk 'NR > 1 { print $4, $NF }'; }

# no_space KILOBYTES: so much is needed for what a job keeps of itself
no_space() {
  # What the reserve takes is needed as well as what did not fit beside it.
  [ ! -s reserve ] || set -- $(($1 + 64))
  rm -f reserve
  _free=$(room)
  # The last block may be gone, and what will not be run needs none.
  rm -rf payload files
  event no-space "$1" "${_free:-? $STATE}"
}
