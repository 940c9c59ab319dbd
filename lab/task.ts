import type { Board } from "./board.ts";

/** Shows one piece of work as a row of a board; what it reports and what it ends with are the row's words. */
export async function task<T>(
  board: Board,
  now: () => number,
  name: string,
  work: (say: (text: string) => void) => Promise<T>,
  result: (value: T) => string = () => "",
): Promise<T> {
  const what = "";
  board.begin(name, what, now());
  try {
    const value = await work((text) => board.say(name, text, now()));
    board.say(name, result(value), now());
    board.end(name, what, now());
    return value;
  } catch (error) {
    board.end(name, what, now(), true);
    throw error;
  }
}
