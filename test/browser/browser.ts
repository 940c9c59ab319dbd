import { type Browser, chromium } from "playwright-core";
import { ensureCommands } from "../../lab/machines/packages.ts";

/** Why these tests cannot run here; never under CI. */
export const skip = process.getuid?.() === 0 ? false : "the browser is installed, and started, as root";
if (skip && process.env.CI === "true") throw new Error(`CI=true, and ${skip}`);

/** Debian's own Chromium without a window, installed when it is missing. It is told to call nobody by itself. */
export async function startBrowser(): Promise<Browser> {
  await ensureCommands({ chromium: "chromium" }, (message) => console.log(message));
  const quiet = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
  ];
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", ...quiet],
  });
}
