import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can be cut. */
export interface WeakLink {
  /** From now on every connection ends after this many bytes towards the server; undefined mends the link. */
  cutAfter(bytes: number | undefined): void;
  close(): Promise<void>;
}

/** Listens at one address and carries everything to another. */
export async function weakLink(
  from: { host: string; port: number },
  to: { host: string; port: number },
): Promise<WeakLink> {
  let limit = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
    let sent = 0;
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    near.on("data", (data: Buffer) => {
      sent += data.length;
      if (sent > limit) near.resetAndDestroy();
    });
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(from.port, from.host, resolve);
  });
  return {
    cutAfter(bytes) {
      limit = bytes ?? Number.POSITIVE_INFINITY;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
