const answers = new Map<string, Promise<boolean>>();

/** How long an offline machine may be kept waiting for one host, milliseconds. */
const patience = 3000;

/**
 * Whether the host of an https URL can be reached: any answer counts, no answer within 3 s is a no.
 * Each host is asked once per run of this process.
 */
export function reachable(url: string): Promise<boolean> {
  const { origin } = new URL(url);
  let answer = answers.get(origin);
  if (answer === undefined) {
    answer = fetch(origin, {
      method: "HEAD",
      redirect: "manual",
      signal: AbortSignal.timeout(patience),
    }).then(
      () => true,
      () => false,
    );
    answers.set(origin, answer);
  }
  return answer;
}
