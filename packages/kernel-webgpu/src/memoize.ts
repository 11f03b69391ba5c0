/** Returns `make` with its results cached by its arguments. Each result is made at its first use. */
export function memoize<A extends readonly (number | boolean | string)[], T>(
  make: (...args: A) => T,
): (...args: A) => T {
  const results = new Map<string, T>();
  return (...args) => {
    const key = args.join();
    let result = results.get(key);
    if (result === undefined) results.set(key, (result = make(...args)));
    return result;
  };
}
