import { apiPort } from "./render.ts";
import { living } from "./roster.ts";
import type { ClusterConfig } from "./schema.ts";

/** Where HAProxy's own statistics are shown, to the balancer itself only. */
const statistics = "127.0.0.1:8404";

/**
 * `haproxy.cfg`: connections to the API are passed through as they are, TLS included, to servers that answer. A server
 * is asked over HTTPS for `/readyz`, every second and twice as often once it fails. Without a client certificate the API
 * server itself answers that with 401, and k3s with 503 while it starts and has none to hand the request to; `/ping` is
 * k3s' own, and answered from the first moment on. (A restart in the lab, four times each: 4-7 of 170 requests
 * failed, with `/ping` 6-10; k3s takes longer to start than the lab's stand-in.) The connections of a server that is
 * given up are closed, since their clients would wait for minutes. A connection that a server does not take within half
 * a second goes to another one at once: so a machine that has just died costs new connections that half second, before
 * its check gave it up (the time is the check's own too). Watches are idle for long: hence the ten minutes.
 */
export function haproxyConfig(config: ClusterConfig): string {
  const servers = living(config.servers)
    .map(({ name, address }) => `  server ${name} ${address}:${apiPort}`)
    .sort()
    .join("\n");
  return `global
  log /dev/log local0
  maxconn 4096
  user haproxy
  group haproxy
  stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd listeners
  stats timeout 30s

defaults
  mode tcp
  log global
  option tcplog
  option dontlognull
  option redispatch 1
  retries 2
  timeout connect 500ms
  timeout client 10m
  timeout server 10m
  timeout check 2s

frontend api
  bind *:${apiPort}
  default_backend servers

backend servers
  balance roundrobin
  option httpchk GET /readyz
  http-check expect rstatus ^(200|401)$
  default-server check check-ssl verify none inter 1s fastinter 500ms downinter 1s fall 2 rise 2 on-marked-down shutdown-sessions
${servers}

listen statistics
  mode http
  bind ${statistics}
  stats enable
  stats uri /
`;
}
