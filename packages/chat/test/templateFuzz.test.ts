import fc from "fast-check";
import { expect, it, test } from "vitest";
import { ChatError } from "../src/errors.ts";
import { ChatTemplate } from "../src/template/chatTemplate.ts";
import { hostileTemplates } from "./hostile.ts";
import { conversations, templateNames, templateOf } from "./templates.ts";

/** With `pnpm fuzz`, which sets `MAMBA_FUZZ_SEED`, many cases with that seed. */
const seed = process.env["MAMBA_FUZZ_SEED"];
const isLong = seed !== undefined;
const limits = { timeMs: isLong ? 100 : 20 };
/** Milliseconds of the processor that a rendering may take beyond its limit: for parsing, for the last step, and for freeing memory. */
const allowance = 1000;
/** The slowest templates, for the report of `pnpm fuzz`. */
const slowest: { ms: number; source: string }[] = [];

/** Renders a template, and checks that this ends in a text or a ChatError within the limit. */
function render(source: string, conversation = 0): void {
  const { messages = [], ...options } = conversations[conversation] ?? {};
  const before = process.cpuUsage();
  try {
    expect(typeof ChatTemplate.parse(source, { limits }).render(messages, options)).toBe("string");
  } catch (error) {
    if (!ChatError.is(error)) throw error;
    expect(["TEMPLATE", "TEMPLATE_LIMIT"]).toContain(error.code);
    expect(error.message.length).toBeLessThan(1000);
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  expect(ms).toBeLessThan(limits.timeMs + allowance);
  if (isLong) {
    slowest.push({ ms, source: source.slice(0, 200) });
    slowest.sort((a, b) => b.ms - a.ms);
    slowest.length = Math.min(slowest.length, 3);
  }
}

it.each(hostileTemplates)("%s ends within its limits", (_, source) => {
  render(source);
});

const sources = [
  ...templateNames.map(templateOf),
  ...hostileTemplates.map(([, source]) => source).filter((s) => s.length < 2000),
];
const words =
  "{{|}}|{%|%}|{%-|-%}|{#|#}|if|elif|else|endif|for|in|endfor|set|endset|macro|endmacro|call|endcall|filter|endfilter|raw|endraw|break|" +
  "continue|generation|endgeneration|is|not|and|or|defined|string|mapping|iterable|none|true|messages|tools|message|m|x|ns|loop|loop.index0|" +
  "loop.last|.role|.content|.items()|['content']|[0]|[1:]|[::-1]|[-1]|namespace(x=1)|range(99999)|range(9)|raise_exception('a')|strftime_now('%Y')|" +
  "| tojson|| tojson(indent=4)|| trim|| join(x)|| list|| length|| map('upper')|| selectattr('role')|| replace('a', x)|| indent(9999)|| sort|" +
  "| default(x)|| string|| int|| reverse|| unique|| batch(2)|| sum|| items|.split('a')|.replace('a', x)|.strip()|.join(x)|* 99999|* 3|+ x|~ x|" +
  "** 9|// 0|% x|== x|< x|'a'|'{{ a }}'|1|1.5|-1|[x, x]|{'a': x}|(1, 2)|(|)|[|]|{|}|,|:|=|x =|a, b =|ns.x =|\\|'|\"|\n| |é🐍|\ud800|__proto__|constructor";
const word = fc.constantFrom(...words.split("|").filter((text) => text !== ""), "|", "| x");
const statement = fc.constantFrom(
  "{% for x in messages %}",
  "{% for a in range(999) %}",
  "{% endfor %}",
  "{% set x = [x, x] %}",
  "{% set ns = namespace(s='ab') %}",
  "{% set ns.s = ns.s ~ ns.s %}",
  "{% set ns.s = [ns.s, ns.s] %}",
  "{% set x = x ~ x %}",
  "{% set x = ns.s %}",
  "{{ x }}",
  "{{ ns.s }}",
  "{{ x | tojson }}",
  "{% if x %}",
  "{% else %}",
  "{% endif %}",
  "{% macro m(x, y=2) %}",
  "{{ m(x) }}",
  "{% endmacro %}",
  "{% call m(x) %}",
  "{% endcall %}",
  "{{ caller() }}",
);
const generated = fc.oneof(
  fc.array(word, { maxLength: 60 }).map((list) => list.join(" ")),
  fc
    .array(
      fc.oneof(
        statement,
        word.map((text) => `{{ x ${text} }}`),
      ),
      { maxLength: 40 },
    )
    .map((list) => list.join("")),
  fc.array(word, { maxLength: 12 }).map((list) => `{% set x = 'ab' * 999 %}{{ x ${list.join(" ")} }}`),
);
const mutated = fc
  .tuple(
    fc.constantFrom(...sources),
    fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.oneof(word, fc.string({ maxLength: 5 }))), {
      maxLength: 4,
      minLength: 1,
    }),
  )
  .map(([source, changes]) =>
    changes.reduce((text, [place, length, insert]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + insert + text.slice(at + (place % 3 === 0 ? 0 : length));
    }, source),
  );

test(
  "any template ends in a text or an error, within its limits",
  { timeout: isLong ? 3_600_000 : 20_000 },
  () => {
    fc.assert(
      fc.property(fc.oneof(generated, mutated), fc.nat(199), (source, conversation) => {
        render(source, conversation);
      }),
      { numRuns: isLong ? 15_000 : 300, seed: Number(seed ?? 1) },
    );
    if (isLong) console.log("slowest", slowest);
  },
);
