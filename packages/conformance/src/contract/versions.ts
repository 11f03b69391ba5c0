import { canTrain, type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { check, checkEqual } from "../assert.ts";
import { trainingSkipReason } from "../case.ts";
import type { OpSuite } from "../opSuite.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { suites } from "../opSuites.ts";
import { minimalPrepared, minimalTensors } from "./minimal.ts";

// `Tensor.version` tells a caller whether a result that it computed from a tensor is still valid: it changes with every op
// that writes to the memory in place, and with nothing else.

/** Runs `body`, and checks that exactly the versions of the tensors in `written` change. */
function checkVersions(
  what: string,
  tensors: Readonly<Record<string, Tensor>>,
  written: readonly string[],
  body: () => void,
): void {
  const before = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, version: tensor.version }));
  body();
  for (const { name, tensor, version } of before) {
    const changed = tensor.version !== version;
    if (written.includes(name)) check(changed, `${what}: the version of ${name} must change, is ${version}`);
    else checkEqual(`${what}: version of ${name}, which is only read`, tensor.version, version);
  }
}

function opTest(suite: OpSuite): SuiteTest {
  const { op, minimal } = suite;
  const written = minimal.writes.join(", ");
  return {
    name: `versions: ${op} changes ${written === "" ? "no version" : `the version of ${written} alone`}`,
    ...(suite.training && { skip: trainingSkipReason }),
    body: async (session) => {
      const kernel = await session.kernel();
      using scope = new Scope();
      const tensors = minimalTensors(suite, kernel, scope);
      const prepared = minimalPrepared(suite, kernel, scope);
      const unrelated = scope.use(kernel.zeros([3], "f32"));
      // A second call shows a backend that only marks memory as written.
      for (const time of ["first", "second"]) {
        checkVersions(`${op}, ${time} call`, { ...tensors, unrelated }, minimal.writes, () => {
          for (const output of minimal.call(kernel, tensors, prepared)) scope.use(output);
        });
      }
    },
  };
}

function memoryTest(name: string, body: (kernel: Kernel, scope: Scope) => void | Promise<void>): SuiteTest {
  return {
    name: `versions: ${name}`,
    body: async (session) => {
      using scope = new Scope();
      await body(await session.kernel(), scope);
    },
  };
}

export const versionTests: SuiteTest[] = [
  ...suites.map(opTest),
  memoryTest("write and copyInto change the version of their target alone", (kernel, scope) => {
    const target = scope.use(kernel.zeros([2, 3], "f32"));
    const source = scope.use(kernel.zeros([2, 3], "f32"));
    for (let i = 0; i < 2; i++) {
      checkVersions("write", { target, source }, ["target"], () => {
        kernel.write(target, 2, new Float32Array(3));
      });
      checkVersions("copyInto", { target, source }, ["target"], () => {
        kernel.copyInto(target, source);
      });
    }
  }),
  memoryTest("views of one memory have one version, whichever of them is written", (kernel, scope) => {
    const base = scope.use(kernel.zeros([2, 6], "f32"));
    const shaped = scope.use(kernel.reshape(base, [12]));
    const columns = scope.use(kernel.columns(base, 1, 3));
    const inner = scope.use(kernel.columns(columns, 1, 1));
    const all = { base, shaped, columns, inner };
    const checkEqualVersions = () => {
      const found = Object.values(all).map(({ version }) => version);
      checkEqual("versions of one memory", found.join(), found.map(() => base.version).join());
    };
    checkEqualVersions();
    for (const target of [shaped, base]) {
      checkVersions("write", all, Object.keys(all), () => {
        kernel.write(target, 0, new Float32Array(2));
      });
      checkEqualVersions();
    }
    if (canTrain(kernel)) {
      const x = scope.use(kernel.zeros([2, 3], "f32"));
      checkVersions("accumulate into a view", all, Object.keys(all), () => {
        kernel.accumulate(columns, x);
      });
    }
    base.dispose();
    checkEqual("version after the base was disposed", columns.version, shaped.version);
  }),
  memoryTest("reading, gathering and viewing change no version", async (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 3], "f32"));
    const before = x.version;
    scope.use(kernel.columns(x, 0, 2));
    scope.use(kernel.reshape(x, [6]));
    scope.use(kernel.gatherRows(x, [1, 0]));
    await kernel.read(x);
    await kernel.sync();
    checkEqual("version", x.version, before);
  }),
];
