/** Text that is HTML already; everything else is escaped where it is put in. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text and numbers are escaped, pieces of HTML are not, lists are joined. */
export type Part = string | number | Html | readonly Part[];

/**
 * A piece of HTML. Names of nodes, errors of servers and everything else that comes from outside goes through here, so
 * that none of it is ever read as markup: html`<td>${name}</td>`.
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(String.raw({ raw: texts }, ...parts.map(render)));
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(render).join("");
  return escaped(String(part));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Safe as text and inside of quoted attributes; control characters, which HTML does not allow, are shown as `�`. */
function escaped(text: string): string {
  return text.replace(/(?![\t\n])\p{Cc}/gu, "\ufffd").replace(/[&<>"']/g, (char) => entities[char]!);
}
