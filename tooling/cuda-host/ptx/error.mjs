/** PTX that is not translated: an opcode, a modifier, an operand or a directive that no test covers. */
export class PtxError extends Error {
  /** Stable code for callers. */
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
