/** What stands for the names in braces of a template. */
export type Words = Readonly<Record<string, string>>;

/** Sentences in their order; of each, one of several ways to say it. */
export type Plot = readonly (readonly string[])[];

/** Whole numbers in [min, max]. */
export type Draw = (min: number, max: number) => number;

export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[draw(0, list.length - 1)] as T;
}

/**
 * Puts words into a template: `{thing}` as it is, `{a thing}` with its article, and with a capital where the template
 * has one, `{Thing}` or `{A thing}`.
 *
 * @throws Error for a name that there is no word for: the template is wrong
 */
export function fill(template: string, words: Words): string {
  return template.replace(/\{([aA] )?(\w+)\}/g, (hole, article: string | undefined, name: string) => {
    const word = words[name] ?? words[name.charAt(0).toLowerCase() + name.slice(1)];
    if (word === undefined) throw new Error(`there is no word for ${hole} in ${JSON.stringify(template)}`);
    if (article !== undefined) return `${article.trim()}${/^[aeiou]/i.test(word) ? "n" : ""} ${word}`;
    return name in words ? word : word.charAt(0).toUpperCase() + word.slice(1);
  });
}
