import { type ClientHttp2Session, connect, constants } from "node:http2";
import type { Target } from "./prober.ts";

/**
 * How long client-go (kubectl, controllers) waits for a sign of life on a connection before it makes another one: its
 * HTTP/2 health check pings after 30 s and gives up 15 s later (k8s.io/apimachinery, util/net/http.go).
 */
const patienceMs = 45_000;

/**
 * Requests over one HTTP/2 connection that is kept, as client-go keeps it. When it breaks, the next request makes a new
 * one; when the network swallows it, TCP's retransmissions decide, as they do for every client.
 */
export class KeptConnection {
  readonly #target: Target;
  #session: ClientHttp2Session | undefined;
  #heard = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** One request. @throws Error unless it is answered with 200 in time */
  get(): Promise<void> {
    const session = this.#open();
    const { pathname, search } = new URL(this.#target.url);
    return new Promise((resolve, reject) => {
      const stream = session.request({ ":path": pathname + search });
      const timer = setTimeout(() => {
        if (session.connecting || performance.now() - this.#heard > patienceMs) session.destroy();
        stream.close(constants.NGHTTP2_CANCEL);
        reject(new Error("no answer in time"));
      }, this.#target.timeoutMs);
      let status = 0;
      stream.once("response", (headers) => {
        status = headers[":status"] ?? 0;
        this.#heard = performance.now();
      });
      stream.once("end", () => (status === 200 ? resolve() : reject(new Error(`HTTP ${status}`))));
      stream.once("error", reject);
      stream.once("close", () => {
        clearTimeout(timer);
        reject(new Error("the connection was closed"));
      });
      stream.resume();
    });
  }

  close(): void {
    this.#session?.destroy();
  }

  #open(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const { url, ca, cert, key } = this.#target;
    const session = connect(new URL(url).origin, { ca, ...(cert && { cert }), ...(key && { key }) });
    session.on("error", () => {}); // its requests fail with it
    this.#heard = performance.now();
    this.#session = session;
    return session;
  }
}
