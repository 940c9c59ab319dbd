import { type Access, api } from "./kube.ts";
import { waitFor } from "./wait.ts";

/** Milliseconds: longer than etcd elects a leader on a busy machine, and the endpoint moves. */
const timeoutMs = 60_000;

/**
 * One request to the API, as {@link api}, made again while it fails, for up to a minute. For those who want its answer
 * and do not measure whether the API is there. An object that exists was made by a try whose answer was lost; then the
 * answer is empty.
 * @throws what the last try threw
 */
export async function apiPatiently<T>(
  access: Access,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  let lost = false;
  const once = async () => {
    try {
      return await api<T>(access, method, path, body);
    } catch (error) {
      const exists = method === "POST" && (error as Error).message.includes(": 409 ");
      if (exists && lost) return {} as T;
      lost ||= !exists;
      throw error;
    }
  };
  return waitFor(`${method} ${path}`, once, { timeoutMs });
}
