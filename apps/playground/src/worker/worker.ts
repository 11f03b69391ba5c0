import type { Command, Report } from "../protocol.ts";
import { firstChoice, probeBackends } from "./backends.ts";
import { Commands } from "./commands.ts";
import { failure } from "./failure.ts";
import { Session } from "./session.ts";

const commands = start();

// Messages may come before the start is complete; they are handled in their order.
addEventListener("message", ({ data }: MessageEvent<Command>) => {
  void commands.then((commands) => commands.handle(data));
});

/** Finds the available backends and the stored models. */
async function start(): Promise<Commands> {
  const choices = await probeBackends();
  report({ type: "backends", choices });
  const first = firstChoice(choices);
  report({ type: "running", backend: first, device: undefined });
  const commands = new Commands(new Session(first, report), report);
  await commands.reportStored().catch((error: unknown) => report(failure(error)));
  commands.restore();
  return commands;
}

function report(message: Report): void {
  postMessage(message);
}
