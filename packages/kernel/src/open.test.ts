import { describe, expect, it } from "vitest";
import { KernelError } from "./errors.ts";
import type { Kernel } from "./kernel.ts";
import {
  type Availability,
  interfaceVersion,
  type KernelCandidate,
  type KernelProvider,
  openKernel,
  probeKernel,
} from "./open.ts";

const available: Availability = { ok: true, device: "test device" };
const refused: Availability = {
  ok: false,
  code: "DRIVER",
  reason: "driver 1.0 is too old",
  remedy: "install driver 2.0",
};

function candidate(name: string, provider: Partial<KernelProvider>): KernelCandidate {
  return {
    name,
    load: () =>
      Promise.resolve({
        provider: {
          name,
          interfaceVersion,
          probe: () => Promise.resolve(available),
          create: () => Promise.resolve({ name } as Kernel),
          ...provider,
        },
      }),
  };
}

const notInstalled: KernelCandidate = {
  name: "cuda",
  load: () => Promise.reject(new Error("Cannot find package '@mamba/kernel-cuda'")),
};

async function rejection(promise: Promise<unknown>): Promise<KernelError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (KernelError.is(error)) return error;
  throw new Error("expected a KernelError");
}

describe("probeKernel", () => {
  it("reports what the provider says, and hands the provider on", async () => {
    const { name, availability, provider } = await probeKernel(candidate("cpu", {}));
    expect([name, availability, provider?.name]).toEqual(["cpu", available, "cpu"]);
    const other = await probeKernel(candidate("cuda", { probe: () => Promise.resolve(refused) }));
    expect(other.availability).toEqual(refused);
  });

  it("turns a package that does not load into data", async () => {
    const { availability, provider } = await probeKernel(notInstalled);
    expect(provider).toBeUndefined();
    expect(availability).toEqual({
      ok: false,
      code: "NOT_INSTALLED",
      reason: "its package could not be loaded: Cannot find package '@mamba/kernel-cuda'",
      remedy: "install the package of the backend cuda, of the release that this app uses",
    });
  });

  it("refuses another version of the interface without probing", async () => {
    const probe = () => Promise.reject(new Error("must not be called"));
    const { availability } = await probeKernel(candidate("old", { interfaceVersion: 0, probe }));
    expect(availability).toMatchObject({ ok: false, code: "INTERFACE_VERSION" });
    expect(availability).toMatchObject({
      reason: `it implements kernel interface 0, this app needs ${interfaceVersion}`,
    });
  });

  it("turns a probe that rejects into data", async () => {
    const { availability } = await probeKernel(
      candidate("odd", { probe: () => Promise.reject(new Error("oops")) }),
    );
    expect(availability).toMatchObject({ ok: false, code: "NO_DEVICE", reason: "its probe failed: oops" });
  });
});

describe("openKernel", () => {
  it("opens the first that works, in order, and loads none after it", async () => {
    const never: KernelCandidate = { name: "never", load: () => Promise.reject(new Error("must not load")) };
    let loads = 0;
    const watched = { ...never, load: () => (loads++, never.load()) };
    const kernel = await openKernel([notInstalled, candidate("webgpu", {}), candidate("cpu", {}), watched]);
    expect([kernel.name, loads]).toEqual(["webgpu", 0]);
  });

  it("takes a software device when nothing else works, and loads what comes after it first", async () => {
    const probe = () => Promise.resolve({ ...available, software: true });
    const software = candidate("webgpu", { probe });
    expect((await openKernel([software, candidate("cpu", {})])).name).toBe("cpu");
    expect((await openKernel([software, notInstalled])).name).toBe("webgpu");
  });

  it("goes on when a backend probes well but does not open", async () => {
    const broken = candidate("webgpu", {
      create: () => Promise.reject(new Error("device lost on creation")),
    });
    expect((await openKernel([broken, candidate("cpu", {})])).name).toBe("cpu");
  });

  it("lists every candidate's code, reason and remedy in one error", async () => {
    const cause = new KernelError("OUT_OF_MEMORY", "no memory for the heap");
    const error = await rejection(
      openKernel([
        notInstalled,
        candidate("webgpu", { probe: () => Promise.resolve(refused) }),
        candidate("cpu", { create: () => Promise.reject(cause) }),
      ]),
    );
    expect(error.code).toBe("NO_BACKEND");
    expect(error.message.split("\n")).toEqual([
      "no kernel backend could be opened:",
      "  1. cuda (NOT_INSTALLED): its package could not be loaded: Cannot find package '@mamba/kernel-cuda'. Remedy: install the package of the backend cuda, of the release that this app uses.",
      "  2. webgpu (DRIVER): driver 1.0 is too old. Remedy: install driver 2.0.",
      '  3. cpu (OUT_OF_MEMORY): it probed as "test device" but failed to open: no memory for the heap',
    ]);
    expect((error.cause as AggregateError).errors).toEqual([cause]);
  });

  it("says so when it was given nothing to open", async () => {
    const error = await rejection(openKernel([]));
    expect([error.code, error.message]).toEqual(["NO_BACKEND", "no kernel backend was given to openKernel"]);
  });
});
