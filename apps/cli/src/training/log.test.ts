import { expect, test } from "vitest";
import { parseLog, readLog } from "./log.ts";

test("reads the losses of the training and of the evaluations", () => {
  const log =
    '{"step":1,"loss":2.5,"lr":1}\n{"note":"x"}\n{"step":2,"loss":2}\n{"step":2,"evaluation":{"loss":3}}\n';
  expect(parseLog(log)).toEqual({
    training: [
      { step: 1, loss: 2.5 },
      { step: 2, loss: 2 },
    ],
    heldOut: [{ step: 2, loss: 3 }],
  });
});

test("a log that does not exist has no losses", async () => {
  expect(await readLog("no-such-folder/log.jsonl")).toEqual({ training: [], heldOut: [] });
});
