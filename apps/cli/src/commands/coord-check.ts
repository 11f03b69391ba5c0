import { setImmediate } from "node:timers/promises";
import { readNumber, usage } from "../args.ts";
import { backendFlags, openBackend } from "../backend.ts";
import { command } from "../command.ts";
import { fitSlopes, flatLimit, steepest, type Fit, type Slope } from "../coordinates/fit.ts";
import { CliError } from "../errors.ts";
import { writeAtomically } from "../files.ts";
import { table } from "../format.ts";
import { note, print, printJson } from "../host.ts";
import { progress } from "../progress.ts";
import { parseLengths } from "../train/lengths.ts";

export default command({
  name: "coord-check",
  description:
    "Check muP: activations of models of several widths as they train must not grow with the width",
  args: {
    widths: {
      type: "string",
      default: "64..512",
      description: "64,128 or 64..512 (doubling); the first is muP's base width",
    },
    steps: { type: "string", valueHint: "count", default: "5", description: "Optimizer steps" },
    seeds: { type: "string", valueHint: "count", default: "8", description: "Models of each width" },
    layers: { type: "string", valueHint: "count", default: "2", description: "Of each model" },
    lr: { type: "string", valueHint: "rate", default: "1e-3", description: "Learning rate, for all widths" },
    plot: { type: "string", valueHint: "file", description: "Draw changes against widths to this SVG file" },
    json: { type: "boolean", description: "Print JSON: all means and slopes" },
    ...backendFlags,
  },
  async run(values, host) {
    const whole = (flag: "steps" | "seeds" | "layers" | "threads", min: number) =>
      readNumber(flag, values[flag], { whole: true, min });
    const widths = parseLengths(values.widths, "widths");
    if (widths.length < 2 || widths.some((width, i) => i > 0 && width <= (widths[i - 1] ?? 0))) {
      throw usage(`--widths must be two or more, ascending, got ${JSON.stringify(values.widths)}`);
    }
    const plan = {
      widths,
      steps: whole("steps", 1) as number,
      seeds: whole("seeds", 1) as number,
      layers: whole("layers", 1) as number,
      lr: readNumber("lr", values.lr, { above: 0 }),
    };
    const threads = whole("threads", 1);
    const { measureCoordinates, parametrizations } = await import("../coordinates/measure.ts");
    const { coordinatesSvg } = await import("../coordinates/plot.ts");
    await using kernel = await openBackend(values.backend, threads, host);
    using bar = progress(host, "training models", String);
    const all = await measureCoordinates(kernel, plan, async (done, total) => {
      bar.update(done, total);
      await setImmediate(); // signals and the bar get their turn
      host.signal.throwIfAborted();
    });
    bar[Symbol.dispose]();

    const fits = fitSlopes(all);
    if (values.plot !== undefined) {
      const title = `mean |change| of each layer's output after ${plan.steps} steps of Adam at ${plan.lr}, by width`;
      await writeAtomically(values.plot, coordinatesSvg(fits, widths, title));
      note(host, `wrote ${values.plot}`);
    }
    if (values.json) await printJson(host, { ...plan, flatLimit, fits });
    else {
      for (const parametrization of parametrizations) {
        const shown = fits.filter((fit) => fit.parametrization === parametrization);
        await print(host, `${describeFits(shown, parametrization, plan.steps)}\n\n`);
      }
    }
    const worst = steepest(fits, "mup");
    const where = `${worst.module} after step ${worst.step}`;
    if (!(Math.abs(worst.slope) <= flatLimit)) {
      throw new CliError(
        "NOT_FLAT",
        `with muP every slope must be within ${flatLimit} of 0, but ${where} has ${worst.slope.toFixed(2)}`,
      );
    }
    const steep = steepest(fits, "standard");
    note(
      host,
      `with muP flat: the steepest slope is ${worst.slope.toFixed(2)} (${where}); ` +
        `without, it is ${steep.slope.toFixed(2)} (${steep.module} after step ${steep.step})`,
    );
  },
});

/** Slopes by layer and step: of the size, and of the change since the start. */
function describeFits(fits: readonly Fit[], name: string, steps: number): string {
  const show = (slope: Slope) => (slope === null ? "-" : slope.toFixed(2));
  const columns = Array.from({ length: steps + 1 }, (_, step) => step);
  const rows = fits.map(({ module, sizeSlopes, changeSlopes }) => [
    module,
    ...sizeSlopes.map(show),
    ...changeSlopes.slice(1).map(show),
  ]);
  const header = [
    name,
    ...columns.map((step) => `size@${step}`),
    ...columns.slice(1).map((s) => `change@${s}`),
  ];
  return table(
    [header, ...rows],
    Array.from({ length: 2 * steps + 1 }, (_, i) => i + 1),
  );
}
