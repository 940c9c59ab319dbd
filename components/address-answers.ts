import { createConnection } from "node:net";

/** Ports whose answer, be it a refusal, shows that a machine has the address. */
const probedPorts = [22, 80, 443, 6443];

/**
 * Whether any machine answers at an address, seen from here. Silence within the time means no: an address that
 * cannot be reached from here cannot be told from a free one.
 * @param timeoutMs how long to listen for an answer
 */
export async function addressAnswers(address: string, timeoutMs = 500): Promise<boolean> {
  const answers = await Promise.all(probedPorts.map((port) => portAnswers(address, port, timeoutMs)));
  return answers.includes(true);
}

function portAnswers(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(timeout, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"));
  });
}
