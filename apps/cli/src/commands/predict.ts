import { delimiterOf, delimiterOption, missingOption } from "../arrays/options.ts";
import { backendOption, threadsOption } from "../backends/openBackend.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import type { Host } from "../program/host.ts";
import { countOption } from "../program/options.ts";

const examples = [
  "-m runs/weather/model --data weather.csv",
  "-m runs/weather/model --data - --json < weather.csv",
  "-m runs/digits/model --data scans --out digits.csv",
];

export default (host: Host) =>
  createCommand(
    "predict",
    "Forecast the next rows of a table, or name the classes of images, as CSV or JSON",
    examples,
  )
    .requiredOption("-m, --model <folder>", "Folder of a model that train series or train images wrote")
    .requiredOption("--data <file>", "A CSV file, an image, a folder of images or an IDX file; - reads stdin")
    .option("--out <file>", "File to write, .csv or .json (default: stdout, as CSV)")
    .option("--json", "Print JSON")
    .addOption(missingOption)
    .addOption(delimiterOption)
    .addOption(countOption("--batch-size <count>", "Images per batch").default(32))
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(async (options) => {
      const { predictArrays } = await import("../arrays/predictArrays.ts");
      await predictArrays({ ...options, delimiter: delimiterOf(options.delimiter) }, host);
    });
