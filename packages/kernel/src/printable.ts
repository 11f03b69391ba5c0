/**
 * Characters that change how a terminal or a page shows text instead of being shown: control characters other than tab and
 * newline (ESC and U+009B begin terminal commands), line separators, and marks that reverse the order of text.
 */
// eslint-disable-next-line no-control-regex -- these are the characters to replace
const active = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text that is safe to show: each control character and each mark that reverses text becomes its escape, such as
 * `\u001b`. Every error of these packages passes its message through this function, since messages quote names and values
 * from files and servers.
 */
export function printable(text: string): string {
  return text.replace(active, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
