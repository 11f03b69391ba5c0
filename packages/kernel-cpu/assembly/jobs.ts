// Threads share a job by claiming its units. The control record lies in shared memory, at an address that the host chooses.
//
// The ticket is one 64-bit word, (epoch << 32) | next unit. A thread claims units by increasing `next` with a compare-exchange.
// When that succeeds the epoch is unchanged, and so are the fields of the job: a thread that was asleep for a whole job can never
// run units of a newer job with the arguments of the older one. The caller waits for the units that were claimed, never for
// threads that did not take part.
//
// The ticket is closed before the fields change: `next` is then larger than any number of units.
//
// Weights can lie in further memories, each with its own instance of the module. A job that runs there is a function of that
// instance, which every thread appends to its table. A worker has to leave `work` for that, because only its event loop receives
// the new memory: the caller appends the functions, raises GENERATION, and only then opens the first job that needs them. A worker
// of an older generation never claims units of such a job: it reads GENERATION after the ticket, so when it sees the ticket of
// that job it also sees the new generation, and returns. A claim that succeeds shows that the ticket was still the one it read.

const TICKET: usize = 0;
const EPOCH: usize = 4; // the upper half of the ticket: what idle threads wait on
const GENERATION: usize = 8; // number of memories whose functions are in the caller's table; in the cache line of the ticket
const RUN: usize = 64; // table index of <job>Run
const ARGS: usize = 68;
const UNITS: usize = 72;
const CLAIMS: usize = 76;
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

/**
 * Runs units of the open job until none is left, or until the table of this thread is older than the caller's. Returns the epoch of
 * that job.
 */
function help(control: usize, thread: u32, generation: u32): u32 {
  let ticket = atomic.load<u64>(control, TICKET);
  let units = load<u32>(control, UNITS);
  while (<u32>ticket < units && atomic.load<u32>(control, GENERATION) == generation) {
    const run = load<u32>(control, RUN);
    const args = load<usize>(control, ARGS);
    const begin = <u32>ticket;
    // A fraction of the remaining units: many at first, one at the end, so that all threads finish together.
    const end = begin + max((units - begin) / load<u32>(control, CLAIMS), 1);
    const scratch = load<usize>(control, SCRATCH) + <usize>thread * load<usize>(control, SCRATCH_STRIDE);
    if (atomic.cmpxchg<u64>(control, ticket, (ticket & ~CLOSED) | end, TICKET) == ticket) {
      call_indirect<void>(run, args, begin, end, scratch);
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

/**
 * Opens a job and takes part in it. Threads that are awake join; `wake` also wakes those that sleep. Each claim takes 1 / `claims`
 * of the remaining units. Returns the number of units that other threads have claimed and not finished.
 */
export function post(
  control: usize,
  run: u32,
  args: usize,
  units: u32,
  claims: u32,
  scratch: usize,
  scratchStride: usize,
  wake: bool,
): u32 {
  const epoch = <u64>load<u32>(control, EPOCH);
  atomic.store<u64>(control, (epoch << 32) | CLOSED, TICKET);
  store<u32>(control, run, RUN);
  store<usize>(control, args, ARGS);
  store<u32>(control, units, UNITS);
  store<u32>(control, claims, CLAIMS);
  store<usize>(control, scratch, SCRATCH);
  store<usize>(control, scratchStride, SCRATCH_STRIDE);
  atomic.store<u32>(control, 0, DONE);
  atomic.store<u64>(control, (epoch + 1) << 32, TICKET);
  if (wake && atomic.load<u32>(control, SLEEPERS)) atomic.notify(control + EPOCH, -1);
  help(control, 0, load<u32>(control, GENERATION));
  return units - atomic.load<u32>(control, DONE);
}

/**
 * Waits for the open job: spins, then, with `maySleep`, sleeps for at most a millisecond. Returns the number of unfinished units.
 */
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
  nextEpoch(control);
}

/** Makes all workers return from `work`, to append the functions of a further memory to their tables. No job is open. */
export function reload(control: usize, generation: u32): void {
  atomic.store<u32>(control, generation, GENERATION);
  nextEpoch(control);
}

/** Begins an epoch without a job, and wakes all workers. */
function nextEpoch(control: usize): void {
  const epoch = <u64>load<u32>(control, EPOCH);
  atomic.store<u64>(control, ((epoch + 1) << 32) | CLOSED, TICKET);
  atomic.notify(control + EPOCH, -1);
}

/** Records that a worker has failed. */
export function fault(control: usize): void {
  atomic.store<u32>(control, 1, FAULT);
}

/** True when a worker has failed. */
export function faulted(control: usize): bool {
  return atomic.load<u32>(control, FAULT) != 0;
}

/**
 * The loop of worker `thread`: runs units, then polls for a new epoch `spins` times, then sleeps until there is one. Returns when the
 * kernel ends, or when the caller's table holds the functions of more memories than the worker's: `generation` memories.
 */
export function work(control: usize, thread: u32, spins: u32, generation: u32): void {
  while (!atomic.load<u32>(control, STOP)) {
    const epoch = help(control, thread, generation);
    // Read after the epoch: a generation that is raised later begins a new epoch, which ends the wait below.
    if (atomic.load<u32>(control, GENERATION) != generation) return;
    let left = spins;
    while (left != 0 && atomic.load<u32>(control, EPOCH) == epoch) left--;
    if (left != 0) continue;
    // The caller opens a job before it looks for sleepers, so that one of the two always sees the other.
    atomic.add<u32>(control, 1, SLEEPERS);
    atomic.wait<i32>(control + EPOCH, epoch, -1);
    atomic.sub<u32>(control, 1, SLEEPERS);
  }
}
