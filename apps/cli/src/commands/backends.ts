import pc from "picocolors";
import { backendNames, probeBackend, probeBackends } from "../backend.ts";
import { usage } from "../args.ts";
import { command } from "../command.ts";
import { print, printJson } from "../host.ts";

export default command({
  name: "backends",
  description: "Show what this machine can compute on, and why not on the rest",
  args: {
    name: { type: "positional", required: false, description: "Only this backend" },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ name, json }, host) {
    const asked = backendNames.find((known) => known === name);
    if (name !== undefined && asked === undefined) {
      throw usage(`there is no backend ${JSON.stringify(name)}; there are ${backendNames.join(", ")}`);
    }
    const found = asked
      ? [{ name: asked, availability: await probeBackend(asked) }]
      : await probeBackends(host);
    if (json) {
      return printJson(
        host,
        found.map(({ name, availability }) => ({ name, ...availability })),
      );
    }
    const { green, red, bold } = pc.createColors(host.stdout.isTTY === true);
    for (const { name, availability } of found) {
      const text = availability.ok
        ? `${green("yes")}  ${availability.device}${availability.software ? " (computes on the CPU)" : ""}`
        : `${red("no")}   ${availability.reason} [${availability.code}]. Remedy: ${availability.remedy}`;
      await print(host, `${bold(name.padEnd(8))}${text}\n`);
    }
  },
});
