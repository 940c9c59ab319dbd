# shellcheck shell=bash
# What a number of voters allows. Pure.

# quorum_of VOTERS: the majority, in REPLY.
quorum_of() {
  REPLY=$(($1 / 2 + 1))
}

# may_stop VOTERS HEALTHY SELF-HEALTHY(1|0): whether this server may be restarted now, as a word in
# REPLY: `yes`; `alone` (there is no other voter: the API is away meanwhile); `unhealthy` (not every
# voter is healthy: nothing is made worse until it is healed). A server that is down itself takes
# nothing away by being started.
may_stop() {
  if (($3 == 0)); then
    REPLY=yes
  elif (($1 <= 1)); then
    REPLY=alone
  elif (($2 < $1)); then
    REPLY=unhealthy
  else
    REPLY=yes
  fi
}

# may_leave VOTERS HEALTHY-OTHERS: whether a voter may leave for good, as a word in REPLY: `last`
# (it is the only one), `yes`, or `quorum` (the others would have no majority).
may_leave() {
  quorum_of $(($1 - 1))
  if (($1 <= 1)); then
    REPLY=last
  elif (($2 >= REPLY)); then
    REPLY=yes
  else
    REPLY=quorum
  fi
}
