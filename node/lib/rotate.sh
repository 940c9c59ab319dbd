# shellcheck shell=bash disable=SC2034,SC2153  # read by the verbs; APPLIED stands in paths.sh
# Rotations: counters that the stack raises one by one. What was last applied here is kept in $APPLIED;
# what the cluster itself can tell (its token, its keys) is asked instead.

DUE=" "   # what this run rotates: token, keys, certificates
FLAGS_OF=() # the flags of rotations that concern a node of this role

# counter_of FLAG: the file below $APPLIED that has its counter, and its key in the stack, in COUNTER and KEY.
counter_of() {
  case $1 in
    rotate-token) COUNTER=server-token KEY=serverToken ;;
    rotate-keys) COUNTER=encryption-keys KEY=encryptionKeys ;;
    rotate-certificates) COUNTER=certificates KEY=certificates ;;
  esac
}

# applied FLAG: its counter as it was last applied here, in REPLY; 0 when it never was.
applied() {
  counter_of "$1"
  REPLY=$(cat "$APPLIED/$COUNTER" 2>/dev/null)
  [[ $REPLY =~ ^[0-9]{1,4}$ ]] || REPLY=0
}

# is_due WHAT: whether this run rotates it.
is_due() {
  [[ $DUE == *" $1 "* ]]
}

# is_new: whether this node only joins now, or an earlier run that brought it in did not end: it has nothing
# to rotate, since it gets today's.
is_new() {
  [[ $FRESH == yes || -e $BEFORE/new || ($UNIT == k3s.service && $MEMBERSHIP != member) ]]
}

# flags_of UNIT: FLAGS_OF.
flags_of() {
  FLAGS_OF=(rotate-certificates)
  [[ $1 == k3s.service ]] && FLAGS_OF=(rotate-token rotate-keys rotate-certificates)
  return 0
}

# look_at_rotations: DUE; refuses what cannot be. Said before anything is changed.
look_at_rotations() {
  local flag
  flags_of "$UNIT"
  is_new && return 0
  for flag in "${FLAGS_OF[@]}"; do
    applied "$flag"
    ((${ARG[$flag]:-0} >= REPLY)) || refuse "rotate.$KEY was $REPLY when this node was last changed and is ${ARG[$flag]:-0} in the stack: what was rotated cannot be turned back. Set it to $REPLY, or to $((REPLY + 1)) for one more rotation"
  done
  [[ $UNIT == k3s.service ]] && look_at_token
  applied rotate-keys
  ((${ARG[rotate-keys]:-0} > REPLY)) && DUE+="keys "
  applied rotate-certificates
  ((${ARG[rotate-certificates]:-0} > REPLY)) && DUE+="certificates "
  return 0
}

# rotate_due: what is due, before the service is restarted. The keys come first: a k3s that runs accepts the token with
# which it was started until it is restarted, and its commands for the keys come with the one in the configuration.
rotate_due() {
  is_due keys && step keys rotate_keys
  is_due token && step token rotate_token
  is_due certificates && step certificates rotate_certificates
  return 0
}

# rotate_certificates: k3s takes its leaves away (and keeps a copy in server/tls-TIME); the start that
# follows issues new ones. The containers go on running meanwhile.
rotate_certificates() {
  local said
  act
  service_state
  say "stopping $UNIT for new certificates"
  stop_for_now
  said=$(timeout 60 "$K3S" certificate rotate 2>&1 9>&-) || die "k3s could not rotate its certificates: $(tail -n 1 <<<"$said")"
  changed certificates
}

# finish_rotations: what was asked for is applied, and no longer asked for is forgotten (a node that was
# made anew).
finish_rotations() {
  local flag
  for flag in "${FLAGS_OF[@]}"; do
    applied "$flag"
    [[ $REPLY == "${ARG[$flag]:-0}" ]] && continue
    write_file "$APPLIED/$COUNTER" 600 "${ARG[$flag]:-0}" || die "$APPLIED/$COUNTER cannot be written; is the file system full?"
  done
  rm -f -- "$APPLIED/encryption-keys.from"
}
