# Ollama keeps all models in one server: a release of a model is a name there, as primary:r3, and clients ask for primary.

of_ollama() { [ "$(how "$_model" "$1" DRIVER)" = ollama ]; } # NUMBER

ollama_told() { # NUMBER WORD...: its own program, to the server that it has here
  _server=$(how "$_model" "$1" ADDRESS):$(how "$_model" "$1" PORT)
  _tool=$(how "$_model" "$1" PROGRAM)
  shift
  OLLAMA_HOST=$_server HOME=${HOME:-/root} "$ROOT$_tool" "$@" </dev/null
}

ollama_make() { # NUMBER
  if ollama_told "$1" create "$_model:r$1" -f "$ROOT$(how "$_model" "$1" MODELFILE)" 2>ollama.said >&2; then return 0; fi
  say_switch "gate process failed: ollama does not make $_model:r$1: $(tail -n 1 ollama.said)"
  return 1
}

# ollama_out NUMBER: out of the memory; the name stays, for the way back
ollama_out() { ollama_told "$1" stop "$_model:r$1" >/dev/null 2>&1 || :; }

ollama_alias() { ollama_told "$1" cp "$_model:r$1" "$_model" >/dev/null; } # NUMBER

# ollama_kib NUMBER: what it says of the release's own part: on the card where there is one
ollama_kib() {
  _part=size
  if [ "$(how "$_model" "$1" MEMORY)" = cuda ]; then _part=size_vram; fi
  asked "$1" "$_base/api/ps" | tr -d ' \n\t' | sed 's/"details":{[^}]*}//g' | tr '{' '\n' |
    awk -v "name=\"name\":\"$_model:r$1\"" -v "part=\"$_part\":" '
      index($0, name) && (at = index($0, part)) { printf "%d\n", substr($0, at + length(part)) / 1024; exit }'
}
