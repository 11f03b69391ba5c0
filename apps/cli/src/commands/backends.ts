import pc from "picocolors";
import { probeBackends } from "../backend.ts";
import { command } from "../command.ts";
import { print, printJson } from "../host.ts";

export default command({
  name: "backends",
  description: "Show what this machine can compute on, and why not on the rest",
  args: { json: { type: "boolean", description: "Print JSON" } },
  async run({ json }, host) {
    const found = await probeBackends();
    if (json) {
      return printJson(
        host,
        found.map(({ name, availability }) => ({ name, ...availability })),
      );
    }
    const { green, red, bold } = pc.createColors(host.stdout.isTTY === true);
    for (const { name, availability } of found) {
      const text = availability.ok
        ? `${green("yes")}  ${availability.device}`
        : `${red("no")}   ${availability.reason} [${availability.code}]. Remedy: ${availability.remedy}`;
      await print(host, `${bold(name.padEnd(8))}${text}\n`);
    }
  },
});
