import { backendNames, probeBackends } from "../backends/openBackend.ts";
import { colorsOf } from "../program/colors.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import { print, printJson, type Host } from "../program/host.ts";

export default (host: Host) =>
  createCommand("backends", "Show the backends of this machine, and why the others are unavailable", [
    "",
    "cuda --json",
  ])
    .argument("[name]", "Only this backend")
    .option("--json", "Print JSON")
    .action(async (name, { json }) => {
      const named = backendNames.find((known) => known === name);
      if (name !== undefined && named === undefined) {
        throw usage(`there is no backend ${JSON.stringify(name)}; there are ${backendNames.join(", ")}`);
      }
      const found = await probeBackends(named ? [named] : backendNames, host);
      if (json) {
        return printJson(
          host,
          found.map(({ name, availability }) => ({ name, ...availability })),
        );
      }
      const { green, red, bold } = colorsOf(host);
      for (const { name, availability } of found) {
        const text = availability.ok
          ? `${green("yes")}  ${availability.device}${availability.software ? " (computes on the CPU)" : ""}`
          : `${red("no")}   ${availability.reason} [${availability.code}]. Remedy: ${availability.remedy}`;
        await print(host, `${bold(name.padEnd(8))}${text}\n`);
      }
    });
