import type { DataSource } from "@mamba/train";
import { type DataRecipe, openSource, type Reader } from "../data/openSource.ts";
import type { Host } from "../program/host.ts";
import { type HeldOut, type HeldOutOptions, openHeldOut } from "./heldOut.ts";

/** The examples of a run. */
export interface TrainingData extends AsyncDisposable {
  readonly source: DataSource;
  readonly heldOut: HeldOut | undefined;
  /** Positions of the rows into which examples are packed; undefined to pad each. */
  readonly packTo: number | undefined;
}

/** Opens the examples to train on and those that are held out. @throws the errors of `openSource` and `openHeldOut` */
export async function openTrainingData(
  recipe: DataRecipe,
  request: HeldOutOptions,
  reader: Reader,
  host: Host,
): Promise<TrainingData> {
  if (recipe.task === "chat") {
    const { openChatTraining } = await import("./chatTraining.ts");
    return openChatTraining(recipe, request, reader, host);
  }
  const source = await openSource(recipe, reader, host);
  try {
    const heldOut = await openHeldOut(recipe, request, reader, host);
    return {
      source,
      heldOut,
      packTo: undefined,
      async [Symbol.asyncDispose]() {
        await heldOut?.[Symbol.asyncDispose]();
        await source[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}
