/** Templates that take more time, memory or depth than a template may, each in its own way. */
export const hostileTemplates: readonly (readonly [string, string])[] = [
  ["nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"],
  [
    "nested loops that write",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
  ],
  [
    "a loop with a condition",
    "{% for a in range(99999) if range(99999) | select | list | length == 0 %}{% endfor %}",
  ],
  [
    "a text that doubles",
    "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}",
  ],
  [
    "a text that doubles by ~",
    "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
  ],
  ["a text times a number", "{{ 'abc' * 1000000000 }}{{ 'x' * 4000000 * 4000000 }}"],
  ["a list times a number", "{{ [1, 2] * 1000000000 }}"],
  [
    "a list that doubles",
    "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
  ],
  [
    "a list of itself, written",
    "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
  ],
  [
    "a list of itself, as JSON",
    "{% set n = namespace(s=['x']) %}{% for i in range(40) %}{% set n.s = [n.s, n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
  ],
  [
    "lists of themselves, compared",
    "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}{{ n.s < n.t }}",
  ],
  ["a namespace in itself", "{% set n = namespace() %}{% set n.s = n %}{{ n }}"],
  [
    "a list in a list, ever deeper",
    "{% set n = namespace(s=[]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
  ],
  ["a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
  [
    "a macro that calls itself twice",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(80) }}",
  ],
  ["a macro whose default calls it", "{% macro m(a=m()) %}{{ a }}{% endmacro %}{{ m() }}"],
  [
    "a caller that calls",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% macro k() %}{% call m() %}{{ k() }}{% endcall %}{% endmacro %}{{ k() }}",
  ],
  [
    "replacements that grow",
    "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s.replace('a', 'aa') %}{% endfor %}",
  ],
  ["an empty replacement", "{% set s = 'a' * 3000000 %}{{ s.replace('', s) }}"],
  ["a join", "{{ range(99999) | join('x' * 1000000) }}"],
  ["a join of texts", "{% set s = 'a' * 2000000 %}{{ s.join([s, s, s, s]) }}"],
  ["an indent", "{{ ('\n' * 1000000) | indent(1000000, true, true) }}"],
  ["an indent as wide as can be", "{{ 'a' | indent(1e308 | int) }}{{ [1] | tojson(indent=4000000) }}"],
  [
    "JSON with wide indents",
    "{% set n = namespace(s=[1]) %}{% for i in range(30) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson(indent=4000) }}",
  ],
  [
    "a search that compares much",
    "{% set s = 'a' * 4000000 %}{% set t = 'a' * 2000000 ~ 'b' %}{% for i in range(999) %}{{ t in s }}{% endfor %}",
  ],
  [
    "a search from the end",
    "{% set s = 'a' * 4000000 %}{% set t = 'b' ~ 'a' * 2000000 %}{% for i in range(999) %}{{ s.rfind(t) }}{% endfor %}",
  ],
  [
    "many overlapping finds",
    "{% set s = 'a' * 4000000 %}{{ s.split('a') | length }}{{ s.replace('a', '') }}{{ s.count('a') }}",
  ],
  [
    "splits of splits",
    "{% set s = 'a ' * 2000000 %}{% for i in range(999) %}{% set t = s.split() %}{% endfor %}",
  ],
  ["a split from the end", "{% set s = 'a ' * 2000000 %}{{ s.rsplit(' ', 1000000) | length }}"],
  ["lines", "{% set s = '\n' * 4000000 %}{% for i in range(99) %}{{ s.splitlines() | length }}{% endfor %}"],
  [
    "trimming",
    "{% set s = ' ' * 4000000 %}{% for i in range(9999) %}{{ s | trim }}{{ (s ~ 'x').rstrip('y') | length }}{% endfor %}",
  ],
  [
    "a change of case that grows",
    "{% set n = namespace(s='ŉ') %}{% for i in range(99) %}{% set n.s = (n.s ~ n.s) | upper %}{% endfor %}",
  ],
  [
    "lengths of texts",
    "{% set s = '🐍' * 2000000 %}{% for i in range(9999) %}{{ s | length }}{{ s[1000000] }}{% endfor %}",
  ],
  [
    "slices of texts",
    "{% set s = 'ab' * 2000000 %}{% for i in range(9999) %}{% set t = s[::-1] %}{% endfor %}",
  ],
  [
    "characters",
    "{% set s = 'ab' * 2000000 %}{% for i in range(999) %}{% for c in s %}{% endfor %}{{ s | list | length }}{% endfor %}",
  ],
  [
    "sorts",
    "{% set s = 'a' * 1000000 %}{% set l = [s ~ 'b', s ~ 'a', s ~ 'c'] * 1000 %}{{ l | sort | length }}",
  ],
  [
    "a sort of many",
    "{% set l = range(99999) | list %}{% for i in range(99) %}{% set m = (l + l) | sort(reverse=true) %}{% endfor %}",
  ],
  [
    "unique texts",
    "{% set s = 'a' * 1000000 %}{% for i in range(999) %}{{ [s ~ i, s ~ 'x'] | unique | list | length }}{% endfor %}",
  ],
  [
    "maps of maps",
    "{% for i in range(9999) %}{% set x = range(99999) | map('string') | map('upper') | list %}{% endfor %}",
  ],
  [
    "batches",
    "{% for i in range(9999) %}{% set x = range(99999) | batch(1) | list %}{% endfor %}{{ [1] | batch(1e15 | int, 0) | list }}",
  ],
  [
    "objects",
    "{% for i in range(9999) %}{% set d = dict({'a': 1}, **dict(b=2)) %}{% for k in range(999) %}{% set e = d.items() | list %}{% endfor %}{% endfor %}",
  ],
  [
    "keys as long as can be",
    "{% set s = 'a' * 4000000 %}{% for i in range(9999) %}{% set d = {s ~ i: 1, s ~ 'x': 2} %}{% endfor %}",
  ],
  [
    "arguments",
    "{% macro m() %}{{ varargs | length }}{% endmacro %}{% for i in range(9999) %}{{ m(*range(99999)) }}{% endfor %}",
  ],
  [
    "powers",
    "{% set n = namespace(x=2) %}{% for i in range(99999) %}{% set n.x = n.x ** 2 %}{% endfor %}{{ n.x }}",
  ],
  [
    "formats",
    "{% set s = '%s' * 1000000 %}{{ s % ('a' * 1000000) }}{{ '%s%s' % ('a' * 4000000, 'b' * 4000000) }}",
  ],
  ["a width of zeros", "{{ '1'.zfill(1000000000) }}"],
  [
    "html",
    "{% set n = namespace(s='<') %}{% for i in range(99) %}{% set n.s = n.s | escape ~ n.s %}{% endfor %}",
  ],
  ["written lists", "{% for i in range(9999) %}{% set s = range(99999) | list | string %}{% endfor %}"],
  ["sums of lists", "{{ ([[1, 2, 3]] * 100000) | sum(start=[]) | length }}"],
  [
    "blocks of blocks",
    "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set t %}{{ n.s }}{{ n.s }}{% endset %}{% set n.s = t %}{% endfor %}",
  ],
  ["messages over and over", "{% for i in range(99999) %}{{ messages }}{{ messages | tojson }}{% endfor %}"],
  ["brackets", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`],
  ["lists in lists", `{{ ${"[".repeat(50_000)}1${"]".repeat(50_000)} }}`],
  ["negations", `{{ ${"not ".repeat(30_000)}1 }}`],
  ["signs", `{{ ${"- ".repeat(30_000)}1 }}`],
  ["blocks in blocks", `${"{% if 1 %}".repeat(9_000)}x${"{% endif %}".repeat(9_000)}`],
  ["elif after elif", `{% if 0 %}${"{% elif 0 %}".repeat(9_000)}{% endif %}`],
  ["a chain of sums", `{{ ${"1 + ".repeat(30_000)}1 }}`],
  ["a chain of filters", `{{ 'a'${" | upper".repeat(9_000)} }}`],
  ["a chain of indices", `{{ a${"[0]".repeat(20_000)} }}`],
  ["a chain of choices", `{{ ${"1 if 0 else ".repeat(20_000)}1 }}`],
  ["blanks before blocks", `${" ".repeat(200_000)}{% if x %}${" ".repeat(60_000)}`],
  ["blanks without blocks", `x${" ".repeat(130_000)}{${" ".repeat(130_000)}{`],
  ["lines of one tag", "{{ 1 }}".repeat(9_000)],
  ["tags without end", "{% if ".repeat(40_000)],
  ["comments without end", "{#".repeat(130_000)],
  ["raw blocks", "{% raw %}".repeat(28_000)],
  ["a literal in a loop", `{% for i in range(99999) %}{% set x = [${"1,".repeat(20_000)}] %}{% endfor %}`],
  [
    "arguments of a macro",
    `{% macro m(${Array.from({ length: 4000 }, (_, i) => `a${i}=1`).join()}) %}{% endmacro %}{% for i in range(99999) %}{{ m() }}{% endfor %}`,
  ],
  [
    "names in a deep scope",
    `{% for i in range(999) %}${"{% for j in range(2) %}".repeat(60)}{{ nothing }}${"{% endfor %}".repeat(60)}{% endfor %}`,
  ],
];
