# shellcheck shell=bash
# Just enough protobuf for a few questions to etcd. Messages are strings of hexadecimal digits.

# pb_varint NUMBER: NUMBER (64 bits, may be negative as bash sees it) as a varint, in REPLY.
pb_varint() {
  local value=$1 byte
  REPLY=""
  while :; do
    ((byte = value & 127, value = (value >> 7) & 0x01ffffffffffffff))
    ((value)) && ((byte |= 128))
    printf -v byte %02x "$byte"
    REPLY+=$byte
    ((value)) || return 0
  done
}

# pb_fields MESSAGE: the fields of MESSAGE as an array FIELDS of "NUMBER VALUE", where VALUE is
# hexadecimal: the number itself for a varint, the content for text and messages. Fails when
# MESSAGE is not protobuf.
pb_fields() {
  local message=$1 at=0 end=${#1} key size
  FIELDS=()
  while ((at < end)); do
    pb_read_varint "$message" "$at" || return 1
    key=$PB_VALUE at=$PB_NEXT
    case $((key & 7)) in
      0)
        pb_read_varint "$message" "$at" || return 1
        at=$PB_NEXT
        printf -v size %x "$PB_VALUE"
        FIELDS+=("$((key >> 3)) $size")
        ;;
      1) FIELDS+=("$((key >> 3)) ${message:at:16}") && ((at += 16)) ;;
      2)
        pb_read_varint "$message" "$at" || return 1
        at=$PB_NEXT
        ((size = PB_VALUE * 2, size >= 0 && at + size <= end)) || return 1
        FIELDS+=("$((key >> 3)) ${message:at:size}")
        ((at += size))
        ;;
      5) FIELDS+=("$((key >> 3)) ${message:at:8}") && ((at += 8)) ;;
      *) return 1 ;;
    esac
  done
}

# pb_read_varint MESSAGE AT: the varint there; its value in PB_VALUE, what follows in PB_NEXT.
pb_read_varint() {
  local message=$1 at=$2 byte shift=0
  PB_VALUE=0
  while ((at + 2 <= ${#message} && shift < 70)); do
    byte=$((16#${message:at:2}))
    ((PB_VALUE |= (byte & 127) << shift, shift += 7, at += 2))
    if ((byte < 128)); then
      PB_NEXT=$at
      return 0
    fi
  done
  return 1
}

# pb_text HEX: HEX as text, in REPLY; anything unprintable becomes `?`.
pb_text() {
  local hex=$1 escaped="" i
  for ((i = 0; i < ${#hex}; i += 2)); do
    escaped+="\\x${hex:i:2}"
  done
  printf -v REPLY '%b' "$escaped"
  REPLY=${REPLY//[^[:print:]]/?}
}

# pb_field NUMBER: the value of the first field NUMBER in FIELDS, in REPLY; empty when absent.
pb_field() {
  local field
  REPLY=""
  for field in "${FIELDS[@]}"; do
    if [[ ${field%% *} == "$1" ]]; then
      REPLY=${field#* }
      return 0
    fi
  done
}
