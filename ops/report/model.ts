/** One measured request. */
export interface Point {
  /** When it was sent: milliseconds since 1970. */
  readonly at: number;
  /** How long it took, or until it was given up: milliseconds. */
  readonly ms: number;
  readonly ok: boolean;
}

/** Requests of one kind, drawn in one colour. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A time without an answer. Milliseconds since 1970. */
export interface Band {
  readonly from: number;
  readonly to: number;
}

/** Something that was done or seen. `at` in milliseconds since 1970. */
export interface Happening {
  readonly at: number;
  readonly what: string;
}

/** Latency over time, on a logarithmic scale: an outage of seconds and an answer in milliseconds both show. */
export interface Plot {
  readonly kind: "plot";
  readonly title: string;
  readonly series: readonly Series[];
  readonly bands: readonly Band[];
  /** Numbered lines; the numbers are those of the timeline. */
  readonly happenings: readonly Happening[];
}

/** Columns that hold figures are aligned to the right. */
export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** What a reader must know to understand the figures. */
  readonly note?: string;
}

/** What happened, in order, with the seconds since the first. */
export interface Timeline {
  readonly kind: "timeline";
  readonly title: string;
  readonly happenings: readonly Happening[];
}

/** A report of one run: everything that is needed to read its figures a year later. */
export interface Report {
  readonly title: string;
  /** One sentence: what came out. */
  readonly summary: string;
  /** What the figures depend on, by name; printed above them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly sections: readonly (Plot | Table | Timeline)[];
}
