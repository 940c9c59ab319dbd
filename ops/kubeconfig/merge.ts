import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { Refusal } from "../refusal.ts";

/** What is laid into a kubeconfig: one cluster, one user and one context, all under the context's name. */
export interface Entry {
  /** The context's name. */
  readonly name: string;
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
}

/** How an entry is laid into a file. */
export interface MergeOptions {
  /** Whether the context becomes the current one. It does anyway where no context is. */
  readonly use: boolean;
  /** Whether an entry of the same name that is of another cluster may be replaced. */
  readonly replace: boolean;
}

const kinds = ["clusters", "users", "contexts"] as const;
type Kind = (typeof kinds)[number];

/**
 * The one cluster and user of a stack's `kubeconfig` output.
 * @throws Refusal when the text is not a kubeconfig with exactly one of each; its content is not shown
 */
export function entryOf(kubeconfig: string, name: string): Entry {
  const value: unknown = parseDocument(kubeconfig).toJS();
  const { clusters, users } = (value ?? {}) as Record<string, { cluster?: object; user?: object }[]>;
  const cluster = clusters?.[0]?.cluster;
  const user = users?.[0]?.user;
  if (!cluster || !user || clusters.length !== 1 || users.length !== 1)
    throw new Refusal("the stack's kubeconfig: wanted one cluster and one user. Run `pulumi up` again");
  return { name, cluster: cluster as Entry["cluster"], user: user as Entry["user"] };
}

/**
 * A kubeconfig with an entry in it. Everything else stays as it is: other entries, their order, unknown fields and
 * comments. The text is given back unchanged when it holds the entry already. Pure.
 * @param text the file's text, empty for none
 * @throws Refusal when the text is not one kubeconfig, or the name is another cluster's
 */
export function merge(text: string, entry: Entry, options: MergeOptions): string {
  const document = onlyDocument(text);
  const found = Object.fromEntries(kinds.map((kind) => [kind, named(list(document, kind), entry.name)]));
  const before = others(document, entry.name);
  refuseStranger(found, entry, options);
  const wanted: Record<Kind, object> = {
    clusters: { name: entry.name, cluster: entry.cluster },
    users: { name: entry.name, user: entry.user },
    contexts: { name: entry.name, context: contextOf(found.contexts, entry.name) },
  };
  const current = document.get("current-context");
  const use = options.use || !current;
  const same = kinds.every((kind) => equal(found[kind]?.toJSON(), wanted[kind]));
  if (same && (!use || current === entry.name)) return text;
  for (const kind of kinds) {
    if (!equal(found[kind]?.toJSON(), wanted[kind])) put(document, kind, found[kind], wanted[kind]);
  }
  if (use) document.set("current-context", entry.name);
  const merged = document.toString({ lineWidth: 0 });
  if (!equal(before, others(parseDocument(merged), entry.name)))
    throw new Refusal(
      "the file cannot be written again without changing another entry. Give --file another one",
    );
  return merged;
}

/** What a file means, without what is ours in it: the last guard over what is somebody else's. */
function others(document: Document, name: string): unknown {
  const { "current-context": _, ...value } = document.toJS() as Record<string, unknown>;
  const lists = kinds.map((kind) =>
    ((value[kind] ?? []) as { name?: unknown }[]).filter((one) => one?.name !== name),
  );
  return { ...value, ...Object.fromEntries(kinds.map((kind, i) => [kind, lists[i]])) };
}

/** The file as one document. Several would make it unclear which one a tool reads. */
function onlyDocument(text: string): Document {
  if (text.trim() === "") return parseDocument("apiVersion: v1\nkind: Config\npreferences: {}\n");
  const documents = parseAllDocuments(text) as Document[];
  if (documents.length > 1)
    throw new Refusal(
      `the file holds ${documents.length} YAML documents, wanted one: kubectl reads only the first. Split it`,
    );
  const [document] = documents;
  const problem = document!.errors[0];
  if (problem)
    throw new Refusal(
      `the file is not valid YAML (${problem.code} at line ${lineOf(text, problem.pos[0])}). Mend it first`,
    );
  if (document!.contents === null) return onlyDocument("");
  if (!isMap(document!.contents))
    throw new Refusal("the file is not a kubeconfig: wanted a mapping at its top");
  const kind = document!.get("kind");
  if (kind !== undefined && kind !== "Config")
    throw new Refusal(`the file is not a kubeconfig: found kind ${JSON.stringify(kind)}, wanted Config`);
  return document!;
}

const lineOf = (text: string, offset: number) => text.slice(0, offset).split("\n").length;

/** The entries of one kind; `null`, as `kubectl config` writes it, is none. */
function list(document: Document, kind: Kind): YAMLSeq | undefined {
  const value = document.get(kind, true);
  if (value === undefined || (isScalar(value) && value.value === null)) return undefined;
  if (!isSeq(value)) throw new Refusal(`the file is not a kubeconfig: ${kind} is not a list`);
  return value as YAMLSeq;
}

function named(entries: YAMLSeq | undefined, name: string): YAMLMap | undefined {
  const same = (entries?.items ?? []).filter((item) => isMap(item) && item.get("name") === name);
  if (same.length > 1)
    throw new Refusal(`the name ${name} is there ${same.length} times; remove all but one`);
  return same[0] as YAMLMap | undefined;
}

/** An entry is ours when its cluster has our CA: then it is refreshed. Anything else is somebody's. */
function refuseStranger(
  found: Partial<Record<Kind, YAMLMap>>,
  { name, cluster }: Entry,
  { replace }: MergeOptions,
): void {
  if (replace || kinds.every((kind) => found[kind] === undefined)) return;
  const there = found.clusters?.toJSON() as { cluster?: Record<string, unknown> } | undefined;
  const ca = "certificate-authority-data";
  if (there?.cluster?.[ca] !== undefined && there.cluster[ca] === cluster[ca]) return;
  const what = kinds.filter((kind) => found[kind]).map((kind) => kind.slice(0, -1));
  throw new Refusal(
    `the file has a ${what.join(", a ")} ${name} that is not of this cluster. Take another --context, or give --replace`,
  );
}

/** A context that is there keeps what its owner put in, such as a namespace. */
function contextOf(found: YAMLMap | undefined, name: string): object {
  const { context = {} } = (found?.toJSON() ?? {}) as { context?: object };
  return { ...context, cluster: name, user: name };
}

function put(document: Document, kind: Kind, found: YAMLMap | undefined, wanted: object): void {
  const node = document.createNode(wanted) as YAMLMap;
  if (found) {
    found.items = node.items;
    return;
  }
  const entries = list(document, kind);
  if (entries) entries.add(node);
  else document.set(kind, document.createNode([wanted]));
}

/** Compares as JSON with sorted keys: the order of a mapping's keys means nothing. */
const equal = (a: unknown, b: unknown) => sorted(a) === sorted(b);

function sorted(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
