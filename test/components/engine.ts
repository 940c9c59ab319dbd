import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor, type MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";
import { answerOf } from "./answers.ts";

/** What the engine was told about one resource: its inputs, and the options that mocks do not show. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of inputs that are, or contain, secrets. */
  readonly secretInputs: readonly string[];
  /** Names of inputs that are not known yet. */
  readonly unknownInputs: readonly string[];
  readonly dependencies: readonly string[];
  readonly secretOutputs: readonly string[];
  readonly protect: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
  /** Types that the resource may have had in the state. */
  readonly formerTypes: readonly string[];
  readonly timeouts: { readonly create: string; readonly update: string; readonly delete: string };
  /** When the mock provider began and ended, in the order of events. */
  begin: number;
  end: number;
}

/** The parts of the engine's request that are read here. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getDependenciesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getProtect(): boolean;
  getDeletebeforereplace(): boolean;
  getRetainondelete(): boolean | undefined;
  getIgnorechangesList(): string[];
  getAliasesList(): { getSpec(): { getType(): string } | undefined }[];
  getCustomtimeouts(): { getCreate(): string; getUpdate(): string; getDelete(): string } | undefined;
}

const signature = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
const unknownMark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Plain values, with the marks of secrets taken off. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const fields = value as Record<string, unknown>;
  if (fields[signature] === secretMark) return plain(fields.value);
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, plain(field)]));
}

const marked = (object: Record<string, unknown>, mark: string) =>
  Object.keys(object).filter((key) => JSON.stringify(object[key]).includes(mark));

/** The whole command line of a step: what stands in its command, then the details that it reads on standard input. */
export function lineOf(
  { inputs }: Pick<Registered, "inputs">,
  which: "create" | "update" = "create",
): string {
  const [details = ""] = String(inputs.stdin).split("---\n");
  return String(inputs[which]).replace(/ -(?= #|$)/, ` ${details.trim().replaceAll("\n", " ")}`);
}

/** What a step reads after its details. */
export const inputOf = ({ inputs }: Pick<Registered, "inputs">): string =>
  String(inputs.stdin).replace(/^(--.*\n)*---\n/, "");

export interface RunOptions {
  readonly preview?: boolean;
  readonly stack?: string;
  /** Milliseconds that each node's step takes. */
  readonly stepMs?: number;
  /** What the stack put out when it last succeeded. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** The version that servers run already. */
  readonly installed?: string;
}

/** Runs a program against mocks and gives back everything that was registered, by name of type and resource. */
export async function runProgram<Result>(
  program: () => Result,
  options: RunOptions = {},
): Promise<{ result: Result; resources: Resources }> {
  const { preview = false, stack = "lab", stepMs = 0, installed = null, outputs = {} } = options;
  const requests: Registered[] = [];
  let clock = 0;
  const newResource = async (args: MockResourceArgs) => {
    if (args.type === "pulumi:pulumi:StackReference") return { id: args.name, state: { outputs } };
    const entry = requests.find(({ type, name }) => type === args.type && name === args.name)!;
    entry.begin = clock++;
    if (stepMs > 0 && args.type.startsWith("command:remote")) await sleep(stepMs);
    entry.end = clock++;
    const answer = preview ? {} : answerOf({ ...args, inputs: entry.inputs }, installed);
    return { id: preview ? "" : `${args.name}-id`, state: { ...args.inputs, ...answer } };
  };
  await pulumi.runtime.setMocks(
    { newResource, call: () => ({}) },
    "homelab-k3s",
    stack,
    preview,
    "organization",
  );
  const original = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (this: MockMonitor, request: Request, callback) {
    requests.push(registered(request, this));
    return original.call(this, request, callback);
  };
  try {
    const result = program();
    await pulumi.runtime.disconnect();
    return { result, resources: new Resources(requests) };
  } finally {
    MockMonitor.prototype.registerResource = original;
  }
}

function registered(request: Request, monitor: MockMonitor): Registered {
  const object = request.getObject().toJavaScript();
  const newUrn = (monitor as unknown as { newUrn(...parts: string[]): string }).newUrn.bind(monitor);
  const timeouts = request.getCustomtimeouts();
  return {
    type: request.getType(),
    name: request.getName(),
    urn: newUrn(request.getParent(), request.getType(), request.getName()),
    inputs: plain(object) as Record<string, unknown>,
    secretInputs: marked(object, secretMark),
    unknownInputs: marked(object, unknownMark),
    dependencies: request.getDependenciesList(),
    secretOutputs: request.getAdditionalsecretoutputsList(),
    protect: request.getProtect(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    retainOnDelete: request.getRetainondelete() ?? false,
    ignoreChanges: request.getIgnorechangesList(),
    formerTypes: request.getAliasesList().flatMap((alias) => alias.getSpec()?.getType() || []),
    timeouts: {
      create: timeouts?.getCreate() ?? "",
      update: timeouts?.getUpdate() ?? "",
      delete: timeouts?.getDelete() ?? "",
    },
    begin: -1,
    end: -1,
  };
}

/** Everything that one run registered. */
export class Resources {
  readonly all: readonly Registered[];

  constructor(all: readonly Registered[]) {
    this.all = all;
  }

  /** The one custom resource of that name. */
  named(name: string): Registered {
    const found = this.all.filter((resource) => resource.name === name && !this.isComponent(resource));
    if (found.length !== 1) throw new Error(`${found.length} resources are named ${name}`);
    return found[0]!;
  }

  isComponent(resource: Registered): boolean {
    return resource.type.startsWith("homelab-k3s:");
  }

  get custom(): readonly Registered[] {
    return this.all.filter(
      (resource) => !this.isComponent(resource) && resource.type !== "pulumi:pulumi:Stack",
    );
  }

  /** Whether `later` waits for `earlier`, directly or through others. */
  waits(later: string, earlier: string): boolean {
    const target = this.named(earlier).urn;
    const byUrn = new Map(this.all.map((resource) => [resource.urn, resource]));
    const seen = new Set<string>();
    const walk = (urn: string): boolean => {
      if (urn === target) return true;
      if (seen.has(urn)) return false;
      seen.add(urn);
      return (byUrn.get(urn)?.dependencies ?? []).some(walk);
    };
    return this.named(later).dependencies.some(walk);
  }

  /** How many of these resources were being worked on at the same time, at most. */
  most(names: readonly string[]): number {
    const spans = names.map((name) => this.named(name));
    return Math.max(
      0,
      ...spans.map(({ begin }) => spans.filter((s) => s.begin <= begin && begin < s.end).length),
    );
  }
}
