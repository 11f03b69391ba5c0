import type { GgufFileType, WrittenTensor } from "@mamba/checkpoint";
import { formatBytes, table } from "@mamba/display";
import { printable, quantizedTypes } from "@mamba/kernel";
import { note, print, printJson, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { checkTarget, checkTargetFile } from "./checkTarget.ts";
import { hubOptions } from "./loadModel.ts";
import { findRandomMarker } from "./randomWeights.ts";

/** Types of GGUF files. A folder has those of the first three. */
export const fileTypes = [
  ...["f32", "f16", "bf16"],
  ...quantizedTypes,
  ...["q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m"],
] as readonly GgufFileType[];

/** One conversion of the command line. */
export interface ConvertRequest {
  readonly source: string;
  readonly target: string;
  readonly type?: GgufFileType | undefined;
  readonly file?: string | undefined;
  readonly force?: true | undefined;
  readonly offline?: true | undefined;
  readonly json?: true | undefined;
}

export function isGgufTarget(target: string): boolean {
  return /\.gguf$/i.test(target);
}

/** Converts a checkpoint, and prints its tensors with their types and errors. */
export async function convertModel(request: ConvertRequest, host: Host): Promise<void> {
  const { source, target, type, file, force = false, offline, json } = request;
  await (isGgufTarget(target) ? checkTargetFile : checkTarget)(target, force);
  const { convertCheckpoint } = await import("@mamba/checkpoint");
  const random = await findRandomMarker(source);
  using bar = progress(host, "converting");
  const { tensors, bytes, notes, label } = await convertCheckpoint(source, target, {
    ...hubOptions({ offline }, host),
    type,
    file,
    signal: host.signal,
    onProgress: ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes ?? doneBytes),
  });
  bar[Symbol.dispose]();
  if (json) await printJson(host, { source: label, target, bytes, tensors, notes });
  else await print(host, describe(tensors));
  for (const text of notes) note(host, `note: ${text}`);
  if (random !== undefined) note(host, `note: the weights are random (${random})`);
  note(host, `wrote ${target}: ${formatBytes(bytes)}${worst(tensors)}`);
}

function describe(tensors: readonly WrittenTensor[]): string {
  const rows = tensors.map(({ name, from, to, bytes, error }) => [
    printable(name),
    from,
    to,
    formatBytes(bytes),
    scientific(error.nmse),
    scientific(error.largest),
  ]);
  return `${table([["tensor", "from", "to", "size", "NMSE", "largest error"], ...rows], [3, 4, 5])}\n`;
}

/** The tensor with the largest error, for the last line. */
function worst(tensors: readonly WrittenTensor[]): string {
  const [first] = [...tensors].sort((a, b) => b.error.nmse - a.error.nmse);
  if (first === undefined || first.error.nmse === 0) return ", all values as they were";
  return `, largest NMSE ${scientific(first.error.nmse)} (${first.name})`;
}

function scientific(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}
