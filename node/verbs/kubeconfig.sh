# shellcheck shell=bash
# kubeconfig: the administrator's kubeconfig, with the endpoint and a name of its own, on standard
# output. It holds a private key.

# rename_kubeconfig URL NAME: k3s' own file on standard input, with `default` and 127.0.0.1 replaced.
rename_kubeconfig() {
  awk -v url="$1" -v name="$2" '
    $1 == "server:" { sub(/server:.*/, "server: " url) }
    $1 == "name:" || $2 == "name:" { sub(/name: default$/, "name: " name) }
    $1 == "cluster:" || $1 == "user:" || $1 == "current-context:" { sub(/: default$/, ": " name) }
    { print }'
}

verb_kubeconfig() {
  parse_args "server:server-url name" "" "$@"
  require server
  [[ -s $ETC/k3s.yaml ]] || refuse "$ETC/k3s.yaml is not here: this node is no running server"
  rename_kubeconfig "${ARG[server]}" "${ARG[name]:-homelab-k3s}" <"$ETC/k3s.yaml"
}
