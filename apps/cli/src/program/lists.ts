import { Option } from "./commander.ts";
import { usage } from "./errors.ts";

/** An option whose value is a list of names: `--columns a,b`. A name that holds a comma stands in a config file instead. */
export function namesOption<const F extends string>(flags: F, description: string) {
  const option = new Option(flags, description);
  return option.argParser((text: string): readonly string[] => {
    const names = text.split(",").map((name) => name.trim());
    if (names.every((name) => name !== "")) return names;
    throw usage(`--${option.name()} must be names with commas between them, got ${JSON.stringify(text)}`);
  });
}

/** An option whose value is a list of numbers: `--levels 0.1,0.5,0.9`. */
export function numbersOption<const F extends string>(flags: F, description: string) {
  const option = new Option(flags, description);
  return option.argParser((text: string): readonly number[] => {
    const numbers = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    if (numbers.every(Number.isFinite)) return numbers;
    throw usage(`--${option.name()} must be numbers with commas between them, got ${JSON.stringify(text)}`);
  });
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** An option whose value is a number of bytes: `2GB`, `512MiB` or `1000000`. */
export function bytesOption<const F extends string>(flags: F, description: string) {
  const option = new Option(flags, description);
  return option.argParser((text: string): number => {
    const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? [];
    const bytes = digits === "" ? NaN : Math.floor(Number(digits) * (units[unit.toLowerCase()] ?? NaN));
    if (bytes >= 1) return bytes;
    throw usage(`--${option.name()} must be bytes, such as 2GB or 512MiB, got ${JSON.stringify(text)}`);
  });
}
