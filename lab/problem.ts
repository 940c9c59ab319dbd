/** Lines of a node that say why it gave up; the others are the progress that led there. */
const telling = /^\d\d:\d\d:\d\d \S+:\s+(error|refused|undone|journal):/;

/**
 * What to show of an error of the engine. A failed command's message holds all that the node said; what matters are
 * the last words, where there are any. Pure.
 */
export function shortProblem(message: string): string {
  const lines = message.split("\n").filter((line) => line.trim() !== "update failed");
  const told = lines.filter((line) => telling.test(line));
  if (told.length > 0) return [...new Set(told)].join("\n");
  return lines
    .map((line) => line.replace(/^(?:Process exited with status|exit status) \d+: running .*$/, ""))
    .filter((line) => line.trim() !== "")
    .join("\n");
}
