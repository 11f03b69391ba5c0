import type { AdamWParams } from "@mamba/kernel";
import { adamwStep } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

const changed = (name: string, change: (hyper: AdamWParams) => AdamWParams): Fault =>
  fault("adamwStep", `adamw: ${name}`, (arena, sizes, slots, hyper, gradScale) => {
    adamwStep(arena, sizes, slots, change(hyper), gradScale);
  });

export const adamwStepFaults = [
  changed("without bias correction", (hyper) => ({ ...hyper, step: Number.MAX_SAFE_INTEGER })),
  changed("a step late", (hyper) => ({ ...hyper, step: hyper.step + 1 })),
  changed("decays what should not decay", (hyper) => ({ ...hyper, weightDecay: hyper.weightDecay || 0.01 })),
  changed("never decays", (hyper) => ({ ...hyper, weightDecay: 0 })),
  changed("eps is always 1e-8", (hyper) => ({ ...hyper, eps: 1e-8 })),
  changed("the betas change places", (hyper) => ({ ...hyper, beta1: hyper.beta2, beta2: hyper.beta1 })),
  fault("adamwStep", "adamw: ignores gradScale", (arena, sizes, slots, hyper) => {
    adamwStep(arena, sizes, slots, hyper);
  }),
  fault("adamwStep", "adamw: only the first parameter", (arena, sizes, slots, hyper, gradScale) => {
    adamwStep(arena, sizes, slots.slice(0, 1), hyper, gradScale);
  }),
  fault("adamwStep", "adamw: decay goes through the moments", (arena, sizes, slots, hyper, gradScale) => {
    // Adam with L2: the decay is part of the gradient, and so of the moments.
    const changed = slots.map((slot) => {
      const param = slot.param.values();
      const decayed = slot.grad.values().map((g, i) => g + hyper.weightDecay * (param[i] ?? 0));
      return { ...slot, grad: arena.result(slot.grad.shape, decayed) };
    });
    adamwStep(arena, sizes, changed, { ...hyper, weightDecay: 0 }, gradScale);
    for (const { grad } of changed) grad.dispose();
  }),
  fault("adamwStep", "adamw: changes the gradient", (arena, sizes, slots, hyper, gradScale) => {
    adamwStep(arena, sizes, slots, hyper, gradScale);
    const factor = gradScale?.values()[0] ?? 1;
    for (const { grad } of slots) grad.elements.set(grad.values().map((g) => g * factor));
  }),
  fault("adamwStep", "adamw: 1 - beta2 in float32", (arena, sizes, slots, hyper, gradScale) => {
    // 1 - beta2 in float32 has only four good digits left.
    const beta2 = 1 - Math.fround(1 - Math.fround(hyper.beta2));
    adamwStep(arena, sizes, slots, { ...hyper, beta2 }, gradScale);
  }),
];
