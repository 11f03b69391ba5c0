// How threads share a job. The control block lies in shared memory; the address is chosen by the host.
//
// The ticket is one 64-bit word, (epoch << 32) | next unit. A thread claims units by moving `next` with a
// compare-exchange: when that succeeds the epoch is unchanged, and so are the fields of the job, so a thread that was
// asleep for a whole job can never run a piece of a newer one with the arguments of the older. The caller waits for
// the units that were claimed, never for threads that did not show up.
//
// Before the fields change, the ticket is closed: `next` is then larger than any number of units.

import { execute } from "./ops";

const TICKET: usize = 0;
const EPOCH: usize = 4; // the upper half of the ticket: what idle threads wait on
const OP: usize = 64;
const ARGS: usize = 68;
const UNITS: usize = 72;
const PARTS: usize = 76;
const SCRATCH: usize = 80;
const SCRATCH_STRIDE: usize = 84;
const DONE: usize = 128; // units finished in this job
const CALLER_WAITS: usize = 132;
const SLEEPERS: usize = 192;
const STOP: usize = 196;
const FAULT: usize = 200;

const CLOSED: u64 = 0xffffffff;

@inline
function epochOf(ticket: u64): u32 {
  return <u32>(ticket >> 32);
}

/** Runs units of the open job until none is left. Returns the epoch at which nothing was left. */
function help(control: usize, thread: u32): u32 {
  let ticket = atomic.load<u64>(control, TICKET);
  let units = load<u32>(control, UNITS);
  while (<u32>ticket < units) {
    const op = load<u32>(control, OP);
    const args = load<usize>(control, ARGS);
    const begin = <u32>ticket;
    // A share of what is left: large at first, single units at the end, so that all threads finish together.
    const end = begin + max((units - begin) / load<u32>(control, PARTS), 1);
    const scratch = load<usize>(control, SCRATCH) + <usize>thread * load<usize>(control, SCRATCH_STRIDE);
    if (atomic.cmpxchg<u64>(control, ticket, (ticket & ~CLOSED) | end, TICKET) == ticket) {
      execute(op, args, begin, end, scratch);
      const count = end - begin;
      if (atomic.add<u32>(control, count, DONE) + count == units) {
        if (atomic.load<u32>(control, CALLER_WAITS)) atomic.notify(control + DONE, 1);
      }
    }
    ticket = atomic.load<u64>(control, TICKET);
    units = load<u32>(control, UNITS);
  }
  return epochOf(ticket);
}

/** Opens a job and takes part in it; `wake` calls sleepers, others come if they are awake. Each claim is for one of `parts` of what is left. Returns the number of units that other threads still hold. */
export function post(
  control: usize,
  op: u32,
  args: usize,
  units: u32,
  parts: u32,
  scratch: usize,
  scratchStride: usize,
  wake: bool,
): u32 {
  const epoch = <u64>load<u32>(control, EPOCH);
  atomic.store<u64>(control, (epoch << 32) | CLOSED, TICKET);
  store<u32>(control, op, OP);
  store<usize>(control, args, ARGS);
  store<u32>(control, units, UNITS);
  store<u32>(control, parts, PARTS);
  store<usize>(control, scratch, SCRATCH);
  store<usize>(control, scratchStride, SCRATCH_STRIDE);
  atomic.store<u32>(control, 0, DONE);
  atomic.store<u64>(control, (epoch + 1) << 32, TICKET);
  if (wake && atomic.load<u32>(control, SLEEPERS)) atomic.notify(control + EPOCH, -1);
  help(control, 0);
  return units - atomic.load<u32>(control, DONE);
}

/** Waits a while for the open job: first spinning, then (`maySleep`) asleep for at most a millisecond. */
export function pending(control: usize, spins: u32, maySleep: bool): u32 {
  const units = load<u32>(control, UNITS);
  for (let i: u32 = 0; i < spins; i++) {
    if (atomic.load<u32>(control, DONE) == units) return 0;
  }
  if (maySleep) {
    atomic.store<u32>(control, 1, CALLER_WAITS);
    const done = atomic.load<u32>(control, DONE);
    if (done != units) atomic.wait<i32>(control + DONE, done, 1_000_000);
    atomic.store<u32>(control, 0, CALLER_WAITS);
  }
  return units - atomic.load<u32>(control, DONE);
}

/** Ends the loops of all workers. */
export function stop(control: usize): void {
  atomic.store<u32>(control, 1, STOP);
  const epoch = <u64>load<u32>(control, EPOCH);
  atomic.store<u64>(control, ((epoch + 1) << 32) | CLOSED, TICKET);
  atomic.notify(control + EPOCH, -1);
}

/** A worker reports that it died. */
export function fault(control: usize): void {
  atomic.store<u32>(control, 1, FAULT);
}

/** Whether a worker has reported that it died. */
export function faulted(control: usize): bool {
  return atomic.load<u32>(control, FAULT) != 0;
}

/** The life of worker `thread`: help, then watch for a new epoch for `spins` looks, then sleep until there is one. */
export function work(control: usize, thread: u32, spins: u32): void {
  while (!atomic.load<u32>(control, STOP)) {
    const epoch = help(control, thread);
    let left = spins;
    while (left != 0 && atomic.load<u32>(control, EPOCH) == epoch) left--;
    if (left != 0) continue;
    // The caller opens a job first and looks for sleepers then, so one of the two always sees the other.
    atomic.add<u32>(control, 1, SLEEPERS);
    atomic.wait<i32>(control + EPOCH, epoch, -1);
    atomic.sub<u32>(control, 1, SLEEPERS);
  }
}
