import { join } from "node:path";
import {
  type ModelData,
  type SequenceConfigInput,
  SequenceModel,
  type VisionConfigInput,
  VisionMamba,
} from "@mamba/core";
import { formatCount } from "@mamba/display";
import { elementCount, type Kernel, Scope } from "@mamba/kernel";
import type { FitConfigInput, FitData, Trainable, ArrayExample, FitEvent } from "@mamba/train";
import { type BackendChoice, openBackend } from "../backends/openBackend.ts";
import { CliError, usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { describeEvaluation, Report } from "../training/report.ts";
import { showCurves } from "../training/runTrainer.ts";
import type { ArrayRecipe } from "./arrayRecipe.ts";
import { openImages } from "./imagesData.ts";
import { lastPositionOnly, openSeries, persistenceErrors } from "./seriesData.ts";
import { meanOf } from "./means.ts";

export interface TrainArraysRequest extends BackendChoice {
  readonly out: string;
  readonly resume?: true | undefined;
  readonly saveEvery: number;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
}

type ArrayModel = SequenceModel | VisionMamba;

/** A run that is ready to start. */
interface Run {
  readonly model: ArrayModel;
  readonly trainable: Trainable<ArrayExample>;
  readonly examples: FitData<ArrayExample>;
  /** The preparation of the inputs, which is saved with the model. */
  readonly data: ModelData;
  /** A name of the loss, for the curve. */
  readonly loss: string;
  /** Facts about the data and the errors to beat, a line each. */
  readonly facts: readonly string[];
}

/** Trains a model of arrays in a folder. The best model so far is in `model`, also while the run goes on. */
export async function trainArrays(
  recipe: ArrayRecipe,
  request: TrainArraysRequest,
  host: Host,
): Promise<void> {
  const { out, resume, saveEvery, memoryLimit } = request;
  const { fit } = await import("@mamba/train");
  const { RunFolder } = await import("@mamba/train/node");
  const { saveModel } = await import("@mamba/checkpoint");
  await using kernel = await openBackend(request, host);
  const run =
    recipe.task === "series" ? await seriesRun(kernel, recipe, host) : await imagesRun(kernel, recipe);
  using scope = new Scope();
  const model = scope.use(run.model);
  await using folder = await RunFolder.open(out);
  if (!resume && (await folder.hasState()))
    throw new CliError("EXISTS", `${out} holds a run; --resume continues it`);
  const trained = join(out, "model");
  const { training } = recipe;
  using report = new Report(host, training.steps, recipe.task === "series" ? "rows" : "images");
  const events = fit(run.trainable, run.examples, training, {
    run: {
      async resume(state) {
        const resumed = await folder.resume(state);
        if (resumed?.damage !== undefined) note(host, `the last state is lost: ${resumed.damage}`);
        if (resumed) note(host, `continuing after step ${state.step}`);
        else if (resume) note(host, `note: ${out} holds no state yet; this run starts at the beginning`);
        for (const fact of run.facts) note(host, fact);
      },
      save: (state) => folder.save(state),
      log: (event) => folder.log(event),
    },
    saveEvery,
    saveBest: () => saveModel(model, trained, { data: run.data }),
    signal: host.signal,
    memoryLimit,
  });
  let end: string | undefined;
  for await (const event of events) end = reportEvent(event, report) ?? end;
  await saveModel(model, trained, { data: run.data });
  await showCurves(folder, run.loss, host);
  if (end !== undefined) note(host, end);
  note(host, `wrote ${trained}`);
}

/** Reports an event. Returns a line about the best parameters when the fit has finished. */
function reportEvent(event: FitEvent, report: Report): string | undefined {
  if (event.kind === "step") report.update(event);
  else if (event.kind === "evaluation") report.evaluated(event.step, event.evaluation);
  else {
    const { best, reason, step } = event;
    if (best === undefined) return undefined;
    const early = reason === "patience" ? `stopped after step ${step}: no better evaluation; ` : "";
    return `${early}the model has the parameters of step ${best.step}, held out ${describeEvaluation(best.evaluation)}`;
  }
  return undefined;
}

function sizes(train: number, heldOut: number, model: ArrayModel): string {
  const parameters = [...model.parameters.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return `${train} examples to train on, ${heldOut} held out; the model has ${formatCount(parameters)} parameters`;
}

async function seriesRun(
  kernel: Kernel,
  { data: recipe, model: shape, training, seed }: Extract<ArrayRecipe, { task: "series" }>,
  host: Host,
): Promise<Run> {
  const { levels, loss, ...windows } = recipe;
  const { seriesRegressor } = await import("@mamba/train");
  const { train, heldOut, data } = await openSeries(windows, {}, host);
  const { columns, targets, horizon } = data;
  const config = {
    input: { kind: "values", channels: columns.length },
    pooling: "none",
    outputs: horizon * targets.length * (levels?.length ?? 1),
    ...shape,
  } as SequenceConfigInput;
  const model = SequenceModel.init(kernel, config, seed, dtypeOf(training));
  const prepared = { ...data, ...(levels && { levels }) };
  const facts = [sizes(train.count, heldOut?.count ?? 0, model)];
  if (heldOut) {
    const { id, count } = heldOut;
    const examples = Math.min(count, training.heldOutExamples ?? count);
    const { mae } = await persistenceErrors(
      { id, count: examples, example: (i) => heldOut.example(i) },
      data,
    );
    facts.push(
      `persistence (no row differs from the last one): held out, mean absolute error ${meanOf(mae).toPrecision(4)}`,
    );
  }
  return {
    model,
    trainable: seriesRegressor(model, prepared, { loss }),
    examples: { train, heldOut: heldOut === undefined ? false : lastPositionOnly(heldOut, data) },
    data: prepared,
    loss: `${levels ? "quantile loss" : loss === "huber" ? "Huber loss" : "squared error"}, normalised: ${recipe.path}`,
    facts,
  };
}

async function imagesRun(
  kernel: Kernel,
  { data: recipe, model: shape, training, seed }: Extract<ArrayRecipe, { task: "images" }>,
): Promise<Run> {
  const { splitSource, shifted } = await import("@mamba/train/data");
  const { classifier } = await import("@mamba/train");
  const source = await openImages(recipe);
  const { height, width, channels, labels } = source.data;
  const config = { height, width, channels, classes: labels.length, ...shape } as VisionConfigInput;
  const model = VisionMamba.init(kernel, config, seed, dtypeOf(training));
  const { shift, heldOut: fraction } = recipe;
  if (!(fraction >= 0 && fraction < 1))
    throw usage(`--held-out must be a number from 0 to below 1, got ${fraction}`);
  const { train, heldOut } =
    fraction === 0 ? { train: source, heldOut: undefined } : splitSource(source, { heldOut: fraction, seed });
  const moved =
    shift === 0
      ? train
      : shifted(train, { height, width, channels, by: shift, fill: edgeOf(source.data), seed });
  return {
    model,
    trainable: classifier(model),
    examples: { train: moved, heldOut: heldOut ?? false },
    data: source.data,
    loss: `loss in nats: ${recipe.path}`,
    facts: [sizes(train.count, heldOut?.count ?? 0, model)],
  };
}

/** The number of a black pixel after normalisation. */
function edgeOf({
  mean: [mean = 0],
  std: [std = 1],
}: {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}): number {
  return -mean / std;
}

function dtypeOf({ weights = "f32" }: FitConfigInput) {
  return { dtype: weights };
}
