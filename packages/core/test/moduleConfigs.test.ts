import { expect, test } from "vitest";
import {
  attention,
  type AttentionConfigInput,
  experts,
  type ExpertsConfigInput,
  mamba2,
  type Mamba2ConfigInput,
  mamba3,
  mlp,
} from "../src/index.ts";

const dModel = 12;
const attend = (more: Partial<AttentionConfigInput>) => attention({ dModel, heads: 4, ...more });
const route = (more: Partial<ExpertsConfigInput>) =>
  experts({ dModel, dHidden: 4, experts: 4, perToken: 2, ...more });
const block = (more: Partial<Mamba2ConfigInput>) => mamba2({ dModel, heads: 4, headDim: 3, ...more });

test.each<readonly [() => unknown, string]>([
  [() => block({ heads: 5, dInner: 12 }), "heads must be dInner / headDim, 4, got 5"],
  [() => mamba2({ dModel, headDim: 5 }), "headDim must be a divisor of dInner, 24, got 5"],
  [() => block({ groups: 3 }), "groups must be a divisor of heads, 4, got 3"],
  [() => block({ dState: 257 }), "dState must be a whole number from 1 to 256, got 257"],
  [() => block({ dtLimit: [0.2, 0.1] }), "dtLimit must be [min, max], two numbers from 0 to Infinity"],
  [() => block({ scales: { q: 1 } as never }), 'mamba2 scales config: there is no field "q"'],
  [() => block({ norm: "after" as never }), 'norm must be "gateFirst", "normFirst" or "none", got "after"'],
  [() => block({ dstate: 3 } as never), 'mamba2 config: there is no field "dstate"'],
  [() => attend({ kvHeads: 3 }), "kvHeads must be a divisor of heads, 4, got 3"],
  [() => attend({ heads: 5 }), "headDim must be a whole number from 1 to 65536, got 2.4"],
  [() => attend({ rotary: { theta: 10, dim: 3 } }), "rotary.dim must be an even number, got 3"],
  [() => attend({ rotary: { theta: 0, dim: 2 } }), "rotary.theta must be a number above 0, got 0"],
  [() => mlp({ dModel, dHidden: 4, activation: "relu" as never }), 'activation must be "silu"'],
  [() => route({ perToken: 5 }), "perToken must be a whole number from 1 to 4, got 5"],
  [() => route({ scoreBias: true }), 'scoreBias must be false unless scoring is "sigmoid", got true'],
  [() => route({ shared: { dHidden: 0 } }), "shared.dHidden must be a whole number from 1"],
  [() => mamba3({ dModel, headDim: 3, ropeFraction: 2 }), "ropeFraction must be a number from 0 to 1, got 2"],
])("a config is refused with the field and its rule: %#", (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }) as Error);
  expect(make).toThrow(message);
});

test("a resolved config makes the same module", () => {
  const specs = [block({}), attend({ rotary: { theta: 10, dim: 2 } }), route({ shared: { dHidden: 3 } })];
  const again = [mamba2, attention, experts].map((make, i) => make(specs[i]!.config as never));
  expect(again.map(({ config }) => config)).toEqual(specs.map(({ config }) => config));
  expect(specs[0]!.config).toEqual(mamba2({ dModel, expand: 1, headDim: 3 }).config);
});
