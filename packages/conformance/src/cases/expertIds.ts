import type { Random } from "../random.ts";

/** How the rows of a case choose their experts. */
export type Choice = "random" | "one" | "lopsided";

/**
 * Ids of K different experts of E for each of R rows.
 *
 * @param choice "one": all rows take the same experts, the last ones; "lopsided": most rows take the first ones
 */
export function expertIds(
  random: Random,
  R: number,
  K: number,
  E: number,
  choice: Choice = "random",
): Int32Array {
  const ids = new Int32Array(R * K);
  for (let r = 0; r < R; r++) {
    const order = Array.from({ length: E }, (_, e) => E - 1 - e);
    if (choice === "random" || (choice === "lopsided" && r % 5 === 4)) {
      for (let i = E - 1; i > 0; i--) {
        const j = random.integer(0, i);
        [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
      }
    } else if (choice === "lopsided") order.reverse();
    ids.set(order.slice(0, K), r * K);
  }
  return ids;
}
