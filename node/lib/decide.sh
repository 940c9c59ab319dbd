# shellcheck shell=bash
# Decisions, from facts to one word in REPLY. Pure: nothing here looks at the machine.

# decide_membership DATA FOUND LIVING UNKNOWN LISTED: what a server does about its cluster.
#   DATA     yes|no   etcd data on this node
#   FOUND    yes|no   --found was given: the resource is being created
#   LIVING   number   peers that answer as k3s servers and accept our token
#   UNKNOWN  number   peers that could not be asked
#   LISTED   yes|no|unknown   whether the living peers list the member whose data is here
# Words: member (go on with the data), rejoin (the data is of a member that was removed: set it
# aside and join), join, found, unknown (a peer could not be asked), lost (nobody to join, and
# founding was not asked for).
decide_membership() {
  local data=$1 found=$2 living=$3 unknown=$4 listed=$5
  if [[ $data == yes ]]; then
    if [[ $listed == no ]]; then REPLY=rejoin; else REPLY=member; fi
  elif ((living > 0)); then
    REPLY="join"
  elif [[ $found == no ]]; then
    REPLY=lost
  elif ((unknown > 0)); then
    REPLY=unknown
  else
    REPLY=found
  fi
}

# decide_owner ROLE-WANTED ROLE-FOUND MARKER DATA CONSENT OPEN: whether this machine may be used.
#   ROLE-FOUND server|agent|none       from the units and data that are there
#   MARKER     yes|no                  this program installed it
#   DATA       yes|no                  k3s left data or a unit here
#   CONSENT    adopt|replace|none      what may be done with a k3s that this program did not install
#   OPEN       adopt|replace|none      what an earlier run has begun to do with it
# Words: ok, convert (ours, and of the other role), foreign, adopt, replace, adopt-role (what is adopted keeps its role).
decide_owner() {
  local wanted=$1 found=$2 marker=$3 data=$4 consent=$5 open=$6
  if [[ $open != none ]]; then
    REPLY=$open
  elif [[ $data == yes && $marker == no ]]; then
    case $consent in
      replace) REPLY=replace ;;
      adopt) if [[ $found == "$wanted" ]]; then REPLY=adopt; else REPLY=adopt-role; fi ;;
      *) REPLY=foreign ;;
    esac
  elif [[ $found != none && $found != "$wanted" ]]; then
    REPLY="convert"
  else
    REPLY=ok
  fi
}

# decide_restore FOUND AGAIN: what the first server does about a restore.
#   FOUND  checked|halted|aside|reset|done   what was done of it here, empty when nothing was
#   AGAIN  yes|no   this is not the first run: it may go on with a restore, never begin one
# Words: restore, resume (the snapshot's data are in place: come back with them), nothing.
decide_restore() {
  case $1:$2 in
    done:* | :yes) REPLY=nothing ;;
    reset:*) REPLY=resume ;;
    *) REPLY=restore ;;
  esac
}

# decide_halt FOUND AGAIN: the same for another server. Words: halt, nothing.
decide_halt() {
  case $1:$2 in
    done:* | :yes) REPLY=nothing ;;
    *) REPLY=halt ;;
  esac
}

# decide_service ACTIVE RECORDED WANTED UNFINISHED CHANGED: what the service needs.
#   ACTIVE      active|activating|other   as systemd says
#   RECORDED    what the service was last started with, empty when not written down, `never` when
#               the start that was written down did not take place
#   WANTED      the same for what is in place now
#   UNFINISHED  an earlier run was killed (its verb), or empty
#   CHANGED     how many things this run changed
# Words: start, restart, wait (it is starting with what it should), nothing.
decide_service() {
  local active=$1 recorded=$2 wanted=$3 unfinished=$4 changed=$5
  if [[ $active == other ]]; then
    REPLY=start
  elif [[ $recorded == "$wanted" || (-z $recorded && -z $unfinished && $changed -eq 0) ]]; then
    if [[ $active == active ]]; then REPLY=nothing; else REPLY="wait"; fi
  else
    REPLY=restart
  fi
}

# decide_stale MEMBER-ADDRESS OUR-ADDRESS ANSWERS: what to do with a member that bears our node's
# name but is not ours. ANSWERS yes|no: whether its etcd port answers.
# Words: remove, twin (another living machine has this name).
decide_stale() {
  if [[ $1 == "$2" || $1 == - || $3 == no ]]; then REPLY=remove; else REPLY=twin; fi
}

# decide_node KNOWN-ID MACHINE-ID READY: what to do with the Node object of a machine that is about
# to join. KNOWN-ID is the machine-id that the Node carries, empty without a Node.
# Words: keep, delete (the machine was reinstalled), twin (another living machine has this name),
# secret (no Node: at most its password secret is left).
decide_node() {
  if [[ -z $1 ]]; then
    REPLY=secret
  elif [[ $1 == "$2" ]]; then
    REPLY=keep
  elif [[ $3 == yes ]]; then
    REPLY=twin
  else
    REPLY=delete
  fi
}

# decide_migration VERSION: whether this k3s moves SQLite into etcd.
# Words: good, old (it cannot), broken (it fails half-way).
# The first that can is 1.22.2 (k3s' documentation on embedded etcd). The releases of May 2025 open the
# database without a setting that had become necessary and stop (k3s#12478, #12482); 1.33.0, just before
# them, was not tried. The next of each minor is good.
decide_migration() {
  local major minor patch
  [[ $1 =~ ^v([0-9]+)\.([0-9]+)\.([0-9]+) ]] || { REPLY=old && return; }
  major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]} patch=${BASH_REMATCH[3]}
  REPLY=good
  case $major.$minor.$patch in
    1.30.13 | 1.31.9 | 1.32.5 | 1.33.[01]) REPLY=broken ;;
    *) ((major * 1000000 + minor * 1000 + patch >= 1022002)) || REPLY=old ;;
  esac
}

# decide_resume OPEN SQLITE ACTIVE COPIED: where an adoption of a SQLite server stands.
#   OPEN    adopt|none   an earlier run has begun
#   SQLITE  yes|no       state.db is there: k3s renames it when it has moved everything
#   ACTIVE  yes|no       the service runs
#   COPIED  yes|no       the copy of the database is complete
# Words: begin (look, stop, copy), copy (it was stopped and looked at: copy), move (all is copied: throw away what
# a failed start left and start again), moved (k3s has finished: only forward from here).
decide_resume() {
  if [[ $1 == none ]]; then
    REPLY=begin
  elif [[ $2 == no ]]; then
    REPLY=moved
  elif [[ $3 == yes ]]; then
    REPLY=begin # it has run on since, so that what was copied is old
  elif [[ $4 == yes ]]; then
    REPLY=move
  else
    REPLY=copy
  fi
}
