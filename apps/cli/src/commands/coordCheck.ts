import { backendOption, threadsOption } from "../backends/openBackend.ts";
import { parseLengths } from "../data/parseLengths.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { countOption, numberOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand(
    "coord-check",
    "Check muP: activations of models of several widths must not grow with the width as they train",
    ["", "--widths 64,256 --steps 4 --layers 1 --plot coordinates.svg"],
  )
    .option(
      "--widths <widths>",
      "64,128 or 64..512 (doubling); the first is muP's base width (default: 64..512)",
      parseWidths,
    )
    .addOption(countOption("--steps <count>", "Optimizer steps").default(5))
    .addOption(countOption("--seeds <count>", "Models of each width").default(8))
    .addOption(countOption("--layers <count>", "Layers of each model").default(2))
    .addOption(numberOption("--lr <rate>", "Learning rate, for all widths", { above: 0 }).default(1e-3))
    .option("--plot <file>", "Draw changes against widths to this SVG file")
    .option("--json", "Print JSON: all means and slopes")
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(async ({ widths = parseWidths("64..512"), steps, seeds, layers, lr, ...options }) => {
      const { checkCoordinates } = await import("../coordinates/checkCoordinates.ts");
      await checkCoordinates({ widths, steps, seeds, layers, lr }, options, host);
    });

function parseWidths(text: string): number[] {
  const widths = parseLengths(text, "widths");
  if (widths.length >= 2 && widths.every((width, i) => width > (widths[i - 1] ?? 0))) return widths;
  throw usage(`--widths must be two or more, ascending, got ${JSON.stringify(text)}`);
}
