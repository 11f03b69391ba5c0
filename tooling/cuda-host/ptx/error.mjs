/** PTX that is not translated: an opcode, a modifier, an operand or a directive outside of what the tests cover. */
export class PtxError extends Error {
  /** Stable, for callers. */
  code = "PTX_UNSUPPORTED";

  /**
   * @param {number} line of the PTX text, from 1
   * @param {string} problem
   */
  constructor(line, problem) {
    super(`PTX line ${line}: ${problem}`);
    this.line = line;
  }
}
