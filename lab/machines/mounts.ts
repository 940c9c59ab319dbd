import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";

/** Mounts a machine's root: `lower` shared and never written, changes in `directory`/upper, the result in `directory`/root. */
export async function mountRoot(lower: string, directory: string): Promise<string> {
  const [upper, work, root] = ["upper", "work", "root"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [upper, work, root]) await mkdir(path, { recursive: true });
  await unmountBelow(root); // left by a crash
  await command("mount", [
    "-t",
    "overlay",
    "-o",
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    "overlay",
    root,
  ]);
  return root;
}

/**
 * Unmounts everything at and below `directory`, the innermost first. Where somebody's shell stands in it, it is gone from
 * here at once and from the kernel when they leave.
 */
export async function unmountBelow(directory: string): Promise<void> {
  for (const path of mountsBelow(await readFile("/proc/self/mountinfo", "utf8"), directory)) {
    const { code } = await command("umount", [path], { allowFailure: true });
    if (code !== 0) await command("umount", ["--lazy", path]);
  }
}

/** The mount points at and below `directory`, the innermost and latest first, from the text of /proc/self/mountinfo. */
export function mountsBelow(mountinfo: string, directory: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(parseInt(octal, 8)),
      ),
    )
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .reverse();
}
