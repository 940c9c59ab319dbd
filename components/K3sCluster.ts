import * as pulumi from "@pulumi/pulumi";
import { type Applied, appliedOf } from "../config/applied.ts";
import type { Backups } from "../config/backups.ts";
import type { S3Secrets, SshSecrets } from "../config/load.ts";
import { endpointAddress, serverUrl } from "../config/render.ts";
import { firstServer, living } from "../config/roster.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { ClusterTokens } from "./ClusterTokens.ts";
import { backupsStep, joinPointOf, kubeconfigOf, s3Input, verifyStep } from "./cluster-steps.ts";
import { EtcdRestore } from "./EtcdRestore.ts";
import { EtcdSnapshot } from "./EtcdSnapshot.ts";
import { certificateExpiry } from "./expiry.ts";
import { explainChanges } from "./explain.ts";
import { joinAgents } from "./join-agents.ts";
import { K3sServerNode, type ServerEntry } from "./K3sServerNode.ts";
import { withServer } from "./kubeconfig.ts";
import { forgetServers } from "./lost.ts";
import { Machines } from "./machines.ts";
import { labelNodes } from "./node-labels.ts";
import type { NodeAccess } from "./node-step.ts";
import { bringPartTimeAgents } from "./part-time-agents.ts";
import { previousOutputs, providerKubeconfig } from "./previous.ts";
import { provideEndpoint } from "./provide-endpoint.ts";
import { agentJoinToken, readVerified, type Verified } from "./results.ts";
import { componentType } from "./types.ts";

export interface K3sClusterArgs {
  /** Checked configuration with all defaults. */
  readonly config: ClusterConfig;
  /** What unlocks the machines; without a key the SSH agent does. */
  readonly ssh: SshSecrets;
  /** The server token of the snapshot to restore; without one it is the cluster's own, or lies beside the snapshot. */
  readonly restoreToken?: pulumi.Output<string>;
  /** The keys of the S3 store, when there is one. */
  readonly s3?: S3Secrets;
}

/**
 * A highly available k3s cluster: all machines are looked at, servers join one after another, agents join in lanes
 * beside them as soon as the first server answers, those that come and go are brought up to date if they are on, and
 * the cluster itself is asked at the end.
 */
export class K3sCluster extends pulumi.ComponentResource {
  /** Where the API answers. */
  readonly endpoint: string;
  /** Admin kubeconfig for the endpoint. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** Servers and their URLs, in joining order. */
  readonly servers: readonly { readonly name: string; readonly url: string }[];
  /** Those that come and go are among them. */
  readonly agents: readonly string[];
  /** Voters as etcd sees them, their majority, and each Node's version, asked after everything else was done. */
  readonly verified: pulumi.Output<Verified>;
  /**
   * What the stack has been brought to: known once the cluster was verified, and compared with by the next preview. No
   * secret is in it, but a hundred lines that nobody reads: marked as one it is a single line of `pulumi up`.
   */
  readonly applied: pulumi.Output<Applied>;
  /** When the first certificate of each server ends, ISO 8601, by server. */
  readonly certificates: pulumi.Output<Record<string, string>>;
  /** What each snapshot's node reported, by the snapshot's name. */
  readonly snapshots: Readonly<Record<string, pulumi.Output<string>>>;
  /** The newest snapshots on the first server and in S3, and their age when that server was last asked. */
  readonly backups: pulumi.Output<Backups>;

  private readonly config: ClusterConfig;
  private readonly s3: S3Secrets | undefined;
  private readonly machines: Machines;

  constructor(name: string, args: K3sClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("K3sCluster"), name, {}, opts);
    this.config = args.config;
    this.s3 = args.s3;
    const { config } = this;
    const previous = previousOutputs();
    explainChanges(config, previous, this);

    const rotated = { server: config.rotate.serverToken, agent: config.rotate.agentToken };
    const tokens = new ClusterTokens(`${name}-token`, { protect: config.protect, rotated }, { parent: this });
    const machines = new Machines(name, config, args.ssh, this);
    this.machines = machines;
    const { preflight } = machines;
    const founder = firstServer(config);
    const access = machines.access(founder);
    const founding = { founds: true, token: tokens.server } as const;
    const begun = this.restore(name, args.restoreToken, tokens) ?? machines.placed([founder]);
    const forgotten = forgetServers(config.servers, access, { parent: this, dependsOn: begun });
    const first = this.server(founder, founding, tokens, [...begun, ...forgotten]);
    // What is read of the first server is read again when that server was made anew: its cluster may be another.
    const reading = { parent: this, dependsOn: first.step, replaceWith: [first.step] };
    const password = rotated.server > 0 ? tokens.server : undefined;
    const join = joinPointOf(`${name}-identity`, access, config, password, reading);
    const servers = [first];
    for (const node of config.servers.filter((server) => server !== founder)) {
      const entry = { founds: false, url: join.url, token: join.token } as const;
      servers.push(this.server(node, entry, tokens, [servers.at(-1)!.step]));
    }
    const serversFirst = preflight.serverRuns.apply((runs) => (runs ? [servers.at(-1)!.step] : []));
    const token = pulumi
      .all([join.token, tokens.agent])
      .apply(([secure, own]) => agentJoinToken(secure, own));
    const agents = joinAgents(
      {
        config,
        url: join.url,
        token,
        server: { access, after: join.step },
        serversFirst,
        demoted: preflight.demoted,
        machineOf: (node) => machines.agent(node),
      },
      { parent: this },
    );
    const { request } = machines;
    const after = servers.at(-1)!.step;
    bringPartTimeAgents({ config, request, server: founder, access, url: join.url, token, after }, this);
    // after the question that all other servers wait for
    const later = { ...reading, dependsOn: join.step };
    const kubeconfig = kubeconfigOf(`${name}-kubeconfig`, access, config, later);
    const endpoint = provideEndpoint(
      name,
      {
        config,
        kubeconfig: providerKubeconfig(kubeconfig, previous, serverUrl(founder.address)),
        access: (machine) => machines.access(machine),
        servers: new Map(servers.map(({ name: node, step }) => [node, step])),
        placed: (carriers) => machines.placed(carriers),
      },
      { parent: this },
    );
    const steps = new Map([...servers, ...agents].map(({ name: node, step }) => [node, step]));
    const nodes = [...config.servers, ...config.agents];
    const labels = labelNodes(nodes, access, (node) => steps.get(node)!, this);
    const done = [...steps.values(), ...labels, ...endpoint];
    const verify = verifyStep(`${name}-verify`, access, config, { parent: this, dependsOn: done });
    machines.checkAddress(`${name}-address`, done);

    this.endpoint = serverUrl(endpointAddress(config));
    this.kubeconfig = pulumi.secret(kubeconfig.apply((yaml) => withServer(yaml, this.endpoint)!));
    this.servers = living(config.servers).map((node) => ({ name: node.name, url: serverUrl(node.address) }));
    this.agents = [...living(config.agents), ...config.partTimeAgents].map((node) => node.name);
    const configured = { servers: this.servers.map((server) => server.name), agents: this.agents };
    this.verified = pulumi.unsecret(
      verify.answer((stdout) => readVerified(founder.name, configured, stdout)),
    );
    this.applied = pulumi.secret(this.verified.apply(() => appliedOf(config)));
    this.certificates = certificateExpiry(living(config.servers), servers, this);
    const s3 = s3Input(args.s3);
    const saved = this.saveSnapshots(name, access, s3, verify);
    this.snapshots = Object.fromEntries([...saved].map(([snapshot, { report }]) => [snapshot, report]));
    // what the first server has is known once it is done: asked while others start, so that nobody waits for S3 at the end
    const backed = [join.step, ...endpoint, ...[...saved.values()].flatMap(({ steps }) => steps)];
    this.backups = backupsStep(`${name}-backups`, access, config, s3, { parent: this, dependsOn: backed });
    this.registerOutputs({
      endpoint: this.endpoint,
      kubeconfig: this.kubeconfig,
      servers: this.servers,
      agents: this.agents,
      verified: this.verified,
      applied: this.applied,
      certificates: this.certificates,
      snapshots: this.snapshots,
      backups: this.backups,
    });
  }

  /** Everything goes back to a snapshot before the first server is looked at. */
  private restore(
    name: string,
    token: pulumi.Output<string> | undefined,
    tokens: ClusterTokens,
  ): pulumi.Resource[] | undefined {
    const { config, machines, s3 } = this;
    const { restore } = config;
    if (!restore) return undefined;
    const given = { ...(token && { token }), ...(s3 && { s3 }) };
    const ready = machines.fetched([...config.servers, ...config.agents]);
    const { facts } = machines.preflight;
    const args = { config, restore, machines: machines.looked, facts, tokens, ...given, ready };
    return [new EtcdRestore(`${name}-restore-${restore.id}`, args, { parent: this }).restored];
  }

  /** One server; it is touched when what stands before it is done, so that servers form a chain. */
  private server(
    node: NodeConfig,
    entry: ServerEntry,
    tokens: ClusterTokens,
    before: readonly pulumi.Resource[],
  ): K3sServerNode {
    const args = {
      config: this.config,
      node,
      access: this.machines.access(node),
      entry,
      agentToken: tokens.agent,
      ...(this.s3 && { s3: this.s3 }),
      before: [...before, ...this.machines.fetched([node])],
    };
    return new K3sServerNode(node.name, args, { parent: this });
  }

  private saveSnapshots(
    name: string,
    access: NodeAccess,
    s3: pulumi.Output<string> | undefined,
    verify: pulumi.Resource,
  ): ReadonlyMap<string, EtcdSnapshot> {
    const { snapshots, backup } = this.config;
    const { request } = this.machines.looked.get(access.name)!;
    const copy = backup.copyTo && { directory: backup.copyTo, request };
    return new Map(
      snapshots.map((snapshot) => {
        const args = { snapshot, access, ...(s3 && { s3 }), ...(copy && { copy }), after: [verify] };
        return [snapshot, new EtcdSnapshot(`${name}-snapshot-${snapshot}`, args, { parent: this })];
      }),
    );
  }
}
