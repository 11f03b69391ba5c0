import { Option } from "../program/commander.ts";
import { usage } from "../program/errors.ts";
import { choiceOption } from "../program/options.ts";

// Options of every command that reads a table or images.

const delimiters = { comma: ",", semicolon: ";", tab: "\t" } as const;

const missingRules = ["refuse", "previous", "ignore"] as const;

export const missingOption = choiceOption(
  "--missing <rule>",
  "Series: cells without a number are an error, the number above them, or do not count",
  missingRules,
);

export const delimiterOption = choiceOption(
  "--delimiter <name>",
  "Series: between the cells (default: the most frequent in the header)",
  ["comma", "semicolon", "tab"],
);

export function delimiterOf(name: keyof typeof delimiters | undefined) {
  return name && delimiters[name];
}

export const sizeOption = new Option(
  "--image-size <HxW>",
  "Images: they are resized to this height and width (default: that of an IDX file, or 32x32)",
).argParser((text: string): { readonly height: number; readonly width: number } => {
  const [, height = "", width = ""] = /^(\d+)x(\d+)$/i.exec(text) ?? [];
  if (Number(height) >= 1 && Number(width) >= 1) return { height: Number(height), width: Number(width) };
  throw usage(`--image-size must be like 28x28, height x width in pixels, got ${JSON.stringify(text)}`);
});
