/**
 * Cron schedules as k3s' own library (robfig/cron, standard form) reads them: minute, hour, day of month, month, day
 * of week; numbers, names, `*`, `?`, lists, ranges and steps; `@hourly` and its kin. k3s starts without a word when it
 * cannot read its schedule, and then takes no snapshots: so it is read here first.
 */

interface Field {
  readonly least: number;
  readonly most: number;
  /** Names in the order of their numbers, from `least` on. */
  readonly names?: readonly string[];
}

const fields: readonly Field[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  {
    least: 1,
    most: 12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { least: 0, most: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const words: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/** The values that a field allows, and whether it was left open: an open day field does not restrict the other one. */
interface Allowed {
  readonly values: ReadonlySet<number>;
  readonly open: boolean;
}

function numberOf(text: string, { least, most, names }: Field): number | undefined {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named >= 0 ? least + named : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** One item of a list: `*`, `5`, `1-5`, each with `/step`. */
function item(text: string, field: Field): Allowed | undefined {
  const [range = "", stepText, ...rest] = text.split("/");
  const step = stepText === undefined ? 1 : /^[1-9]\d?$/.test(stepText) ? Number(stepText) : 0;
  if (step === 0 || rest.length > 0) return undefined;
  const every = range === "*" || range === "?";
  const [firstText = "", lastText, ...more] = range.split("-");
  const first = every ? field.least : numberOf(firstText, field);
  const open = every || (lastText === undefined && stepText !== undefined);
  const last = open ? field.most : lastText === undefined ? first : numberOf(lastText, field);
  if (first === undefined || last === undefined || last < first || more.length > 0) return undefined;
  const values = new Set<number>();
  for (let value = first; value <= last; value += step) values.add(value);
  return { values, open: every && step === 1 };
}

function allowedOf(text: string, field: Field): Allowed | undefined {
  const items = text.split(",").map((part) => item(part, field));
  if (items.some((found) => found === undefined)) return undefined;
  const found = items as Allowed[];
  return {
    values: new Set(found.flatMap(({ values }) => [...values])),
    open: found.some(({ open }) => open),
  };
}

/** Long enough to meet a 29th of February twice. */
const days = 366 * 9;
const dayMs = 86_400_000;

/**
 * The longest time between two moments of a schedule, in seconds.
 * @returns undefined when it is no schedule, or one whose day never comes
 */
export function longestGap(schedule: string): number | undefined {
  const parts = (words.get(schedule) ?? schedule).split(" ");
  if (parts.length !== fields.length) return undefined;
  const allowed = parts.map((part, index) => allowedOf(part, fields[index]!));
  if (allowed.some((found) => found === undefined)) return undefined;
  const [minutes, hours, dates, months, weekdays] = allowed as [Allowed, Allowed, Allowed, Allowed, Allowed];
  const onDay = (day: Date) => {
    const date = dates.values.has(day.getUTCDate());
    const weekday = weekdays.values.has(day.getUTCDay());
    const matches = dates.open || weekdays.open ? date && weekday : date || weekday;
    return matches && months.values.has(day.getUTCMonth() + 1);
  };
  const times = [...hours.values].flatMap((hour) => [...minutes.values].map((minute) => hour * 60 + minute));
  times.sort((a, b) => a - b);
  let longest = Math.max(0, ...times.slice(1).map((time, index) => time - times[index]!));
  let before: number | undefined;
  const first = Date.UTC(2000, 0, 1);
  for (let day = 0; day < days; day++) {
    if (!onDay(new Date(first + day * dayMs))) continue;
    if (before !== undefined) longest = Math.max(longest, (day - before) * 1440 - times.at(-1)! + times[0]!);
    before = day;
  }
  return before === undefined || longest === 0 ? undefined : longest * 60;
}
