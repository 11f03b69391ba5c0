import { expect, test } from "vitest";
import { PtxError } from "./error.mjs";
import { translate } from "./translate.mjs";

const header = ".version 9.0\n.target sm_75\n.address_size 64\n";
/** The instructions are on line 11. */
const kernel = (lines: string) => `${header}.visible .entry k(.param .u64 k_param_0, .param .u32 k_param_1)
{
  .reg .pred %p<4>;
  .reg .b16 %h<4>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  .reg .f32 %f<4>;
${lines}
  ret;
}
`;

const fault = (text: string): PtxError => {
  try {
    translate(text, "k.ptx");
  } catch (error) {
    if (error instanceof PtxError) return error;
    throw error;
  }
  throw new Error(`translated: ${text}`);
};

test.each([
  ["an unknown opcode", "madc.hi.u32 %r1, %r2, %r3, %r4;", /madc\.hi\.u32: the opcode is not translated/],
  ["an unknown modifier", "add.cc.u32 %r1, %r2, %r3;", /add\.cc\.u32: .* with these modifiers/],
  ["an unknown rounding", "cvt.rna.tf32.f32 %r1, %f1;", /cvt\.rna\.tf32\.f32/],
  ["a modifier in the wrong place", "mul.u32.lo %r1, %r2, %r3;", /mul\.u32\.lo/],
  ["a type that an opcode does not have", "ex2.approx.f64 %f1, %f2;", /ex2\.approx\.f64/],
  ["an asynchronous copy", "cp.async.ca.shared.global [%r1], [%rd1], 4;", /cp\.async/],
  [
    "a matrix instruction",
    "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f2};",
    /mma/,
  ],
  ["an atomic", "atom.global.add.f32 %f1, [%rd1], %f2;", /atom\.global\.add\.f32/],
  ["another barrier than 0", "bar.sync 1;", /barrier other than 0/],
  ["a barrier of some threads", "bar.sync 0, 64;", /2 operands, expected 1/],
  ["too few operands", "add.u32 %r1, %r2;", /2 operands, expected 3/],
  ["a register of another width", "add.u64 %rd1, %rd2, %r1;", /%r1 is a \.b32, not a \.u64/],
  ["a truncated float", "st.param.b16 [k_param_1], %f1;", /k_param_1 is read-only/],
  ["a predicate as a number", "add.u32 %r1, %p1, %r2;", /%p1 is a \.pred/],
  ["a register that is not declared", "mov.u32 %r1, %r8;", /%r8 is not declared/],
  ["a special register that is not translated", "mov.u32 %r1, %clock;", /%clock/],
  ["a register that nothing writes", "add.u32 %r1, %r2, 1;", /%r2 is read and never written/],
  ["a jump to nowhere", "bra $L_missing;", /no label \$L_missing/],
  ["a call of nothing", "call.uni vprintf, ();", /vprintf has no body/],
  [
    "a store to constant memory",
    "mov.u64 %rd1, 0; st.const.u32 [%rd1], 1;",
    /constant memory is not written/,
  ],
  ["a parameter beyond its end", "ld.param.u64 %rd1, [k_param_1];", /8 bytes at 0 of k_param_1, which has 4/],
  ["a number that does not fit", "mov.b16 %h1, 70000;", /70000 does not fit b16/],
  ["a directive", ".loc 1 2 3", /directive \.loc/],
])("%s is refused, with its line", (_, lines, message) => {
  const error = fault(kernel(lines));
  expect(error.message).toMatch(message);
  expect(error.line).toBe(11);
  expect(error.code).toBe("PTX_UNSUPPORTED");
});

test.each([
  ["an unknown directive of a module", `${header}.alias a, b;`, /directive \.alias/],
  ["addresses of 32 bits", ".version 9.0\n.target sm_75\n.address_size 32\n", /64-bit addresses/],
  ["a file that ends early", kernel("").replace(/ret;[^]*$/, ""), /end of file/],
  ["a character that is none of PTX", `${header}#`, /unexpected character "#"/],
])("%s is refused", (_, text, message) => {
  expect(fault(text).message).toMatch(message);
});

test("arguments are packed at their natural alignment", () => {
  const text = `${header}.visible .entry k(.param .u32 a, .param .u64 b, .param .align 4 .b8 c[12], .param .f32 d) .maxntid 256, 1, 1 { ret; }`;
  const source = translate(text, "k.ptx").get("k");
  expect(source).toContain("v_b = args + 8;");
  expect(source).toContain("v_c = args + 16;");
  expect(source).toContain("v_d = args + 28;");
  expect(source).toContain('{"k", 32, 256, k_k}');
});
