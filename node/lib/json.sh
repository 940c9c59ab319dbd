# shellcheck shell=bash
# JSON out of bash, and the little that is read back.

# json_string TEXT: TEXT as a JSON string, in REPLY.
json_string() {
  local text=$1 out="" char i
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  if [[ $text == *[[:cntrl:]]* ]]; then
    for ((i = 0; i < ${#text}; i++)); do
      char=${text:i:1}
      [[ $char != [[:cntrl:]] ]] || printf -v char '\\u%04x' "'$char"
      out+=$char
    done
    text=$out
  fi
  REPLY="\"$text\""
}

# json_or_null TEXT: TEXT as a JSON string, null when empty, in REPLY.
json_or_null() {
  if [[ -n $1 ]]; then json_string "$1"; else REPLY=null; fi
}

# json_list TEXT...: a JSON array of strings, in REPLY.
json_list() {
  local item out=""
  for item in "$@"; do
    json_string "$item"
    out+=${out:+,}$REPLY
  done
  REPLY="[$out]"
}

# json_object KEY JSON KEY JSON...: an object whose values are JSON already, in REPLY.
json_object() {
  local out=""
  while (($# >= 2)); do
    out+=${out:+,}"\"$1\":$2"
    shift 2
  done
  REPLY="{$out}"
}

# answer JSON: the one line on standard output.
answer() {
  printf '%s\n' "$1" 2>/dev/null || true
}
