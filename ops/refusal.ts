/** Something is not as it must be, and nothing was changed: exit code 3. */
export class Refusal extends Error {}
