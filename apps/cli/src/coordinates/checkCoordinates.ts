import { table } from "@mamba/display";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { CliError } from "../program/errors.ts";
import { note, print, printJson, type Host } from "../program/host.ts";
import { withProgress } from "../program/progress.ts";
import { writeAtomically } from "../program/writeAtomically.ts";
import { coordinatesSvg } from "./coordinatesSvg.ts";
import { fitSlopes, flatLimit, steepest, type Fit, type Slope } from "./fit.ts";
import { measureCoordinates, parametrizations, type Plan } from "./measure.ts";

/**
 * Measures the activations of a plan, prints their slopes, and checks that they are flat with muP.
 *
 * @throws CliError `NOT_FLAT`
 */
export async function checkCoordinates(
  plan: Plan,
  options: BackendChoice & { readonly plot?: string | undefined; readonly json?: true | undefined },
  host: Host,
): Promise<void> {
  const { plot, json } = options;
  await using kernel = await openBackend(options, host);
  const all = await withProgress(host, "training models", (pause) => measureCoordinates(kernel, plan, pause));
  const fits = fitSlopes(all);
  if (plot !== undefined) {
    const title = `mean |change| of each layer's output after ${plan.steps} steps of Adam at ${plan.lr}, by width`;
    await writeAtomically(plot, coordinatesSvg(fits, plan.widths, title));
    note(host, `wrote ${plot}`);
  }
  if (json) await printJson(host, { ...plan, flatLimit, fits });
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
}

/** The slopes of the size, and of the change since the start, by layer and step. */
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
    ...columns.slice(1).map((step) => `change@${step}`),
  ];
  const right = Array.from({ length: 2 * steps + 1 }, (_, i) => i + 1);
  return table([header, ...rows], right);
}
