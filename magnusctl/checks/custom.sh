# run_check SECONDS TEXT: ". LINE" for what the text prints, "= STATUS" for how it ended, "= more" when it printed too
# much. After SECONDS it is killed. What it leaves running cannot hold up the answer: NONCE is the end, not the pipe's.
run_check() {
  {
    timed "$1" sh -c "$2" 2>&1
    printf '\n%s = %s\n' "$NONCE" "$?"
  } | {
    _count=0
    while IFS= read -r _line; do
      case $_line in "$NONCE = "*)
        echo "= ${_line##* }"
        break
        ;;
      esac
      _count=$((_count + 1))
      if [ $_count -gt 10000 ]; then
        echo "= more"
        break
      fi
      printf '. %.16000s\n' "$_line"
    done
  }
}
