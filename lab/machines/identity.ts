import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KeyPair, makeKeyPair, writeKeyPair } from "./keys.ts";
import type { LabNetwork } from "./network.ts";
import { type MachineRecord, writeJson } from "./state.ts";

const hostKeyFile = (directory: string): string => join(directory, "ssh_host_ed25519_key");
export const recordFile = (directory: string): string => join(directory, "machine.json");

/** Makes what is on disk of a new machine: its record and its host key. */
export async function createMachine(
  directory: string,
  name: string,
  address: string,
): Promise<MachineRecord> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { publicKey } = await writeKeyPair(hostKeyFile(directory), makeKeyPair());
  const record = { name, address, hostKey: publicKey, machineId: newMachineId() };
  await writeJson(recordFile(directory), record);
  return record;
}

/** What a re-image changes: the machine-id always, the host key only when asked for. */
export async function renewIdentity(
  directory: string,
  record: MachineRecord,
  newHostKey: boolean,
): Promise<MachineRecord> {
  const hostKey = newHostKey
    ? (await writeKeyPair(hostKeyFile(directory), makeKeyPair())).publicKey
    : record.hostKey;
  const renewed = { ...record, hostKey, machineId: newMachineId() };
  await writeJson(recordFile(directory), renewed);
  return renewed;
}

/** Writes into a mounted root what tells this machine from the others. */
export async function writeIdentity(
  root: string,
  directory: string,
  record: MachineRecord,
  lab: { network: LabNetwork; userKey: KeyPair; hosts: string },
): Promise<void> {
  const etc = join(root, "etc");
  await writeFile(join(etc, "hostname"), `${record.name}\n`);
  await writeFile(join(etc, "machine-id"), `${record.machineId}\n`);
  await writeFile(join(etc, "hosts"), lab.hosts);
  await writeFile(join(etc, "lab.env"), `ADDRESS=${record.address}/24\nGATEWAY=${lab.network.hostAddress}\n`);
  await writeFile(join(etc, "ssh/lab_authorized_keys"), `${lab.userKey.publicKey}\n`);
  const privateKey = await readFile(hostKeyFile(directory), "utf8");
  const inside = join(etc, "ssh/ssh_host_ed25519_key");
  await writeKeyPair(inside, { privateKey, publicKey: record.hostKey });
  await chmod(inside, 0o600); // sshd refuses a key that others can read
}

const newMachineId = (): string => crypto.randomUUID().replaceAll("-", "");

/** The text of /etc/hosts that all machines of a lab have. */
export function hostsFile(machines: readonly { name: string; address: string }[]): string {
  const own = machines.map(({ name, address }) => `${address} ${name}`);
  return ["127.0.0.1 localhost", "::1 localhost", ...own, ""].join("\n");
}

/** @throws when the name is no host name, or the address is not for machines of this network */
export function checkMachine(name: string, address: string, network: LabNetwork): void {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `lab machine: name: found ${JSON.stringify(name)}, want 1 to 40 lower-case letters, digits and inner hyphens`,
    );
  }
  const prefix = network.cidr.slice(0, network.cidr.lastIndexOf(".") + 1);
  const host = address.startsWith(prefix) ? address.slice(prefix.length) : "";
  const usable = /^[1-9]\d{0,2}$/.test(host) && Number(host) < 255;
  if (!usable || address === network.hostAddress || address === network.vip) {
    throw new Error(
      `lab machine ${name}: address: found ${address}, want one in ${network.cidr} that is neither ` +
        `the host's ${network.hostAddress} nor the endpoint's ${network.vip}`,
    );
  }
}
