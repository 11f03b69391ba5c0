"""Short templates, each for one thing that Jinja does. Their results are goldens of packages/chat."""

EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2 | 7 // 2, -7 // 2, 7 % 3, -7 % 3, 2 ** 10, 2 ** -1, 7.5 // 2, 7.5 % -2 | 1 / 3, 1e3, 1.0, 1.5e-7, 1e16, 123456789.125, 1e22
10 == 10.0, 1 == true, 'a' == 'a', [1, [2]] == [1, [2]], {'a': 1} == {'a': 1}, none == undefined_name, undefined_name == other_name
1 < 2, 'a' < 'b', 'B' < 'a', [1, 2] < [1, 3], 2 >= 2.0, 'é' > 'z', '🐍' > '\uffee'
'a' in 'abc', 'z' not in 'abc', 1 in [1, 2], 'a' in value, 'x' in undefined_name, 2 in (1, 2)
true, false, none, True, None, 1, 1.5, 'text', [1, 'a', none, 2.0], (1,2), {'a': 'it\'s', 'b': "q\"q"}
'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1] | 'a' * 3, 3 * 'ab', [1] * 2, 'a' + 'b', [1] + [2], (1,2) + (3,4)
not true, not '', not 'x', not [], not {}, not none, not 0, not 0.0, not undefined_name
true and 'x', '' and 'x', '' or 'y', 'x' or 'y', none or [] or 'z', 1 and 2 and 3, 0 or '' or false
'a' if true else 'b', 'a' if false, ('a' if 1 > 2 else 'b' if false else 'c')
text[0], text[2], text[-1], text[2:7], text[::-1], text[-5:], text[:3], text[1:-1:2], text[100:], text[16], text[17]
numbers[0], numbers[-1], numbers[1:], numbers[::-1], numbers[:-1], numbers[::2], numbers[5], numbers[10:]
value.a, value['a'], value.missing, value['missing'], value['items'], value.items() | list | length, value.get('a'), value.get('q'), value.get('q', 5)
value.keys() | list, value.values() | list, value | items | list, value | length, value | list, value.é
people[0].name, people[2].age, people[2].age is defined, people.0.name, (people | first).name, (people | last).name
text | length, text | trim, text | trim | length, text | upper, text | lower, text | title, text | capitalize
text.strip(), text.lstrip(), text.rstrip(), text.strip(' H'), 'xxaxx'.strip('x'), 'abc'.lstrip('ab'), 'abc'.rstrip('bc'), 'a\n\n'.rstrip('\n')
'a,b,,c'.split(','), ' a  b c '.split(), 'a,b,c'.split(',', 1), ' a  b c '.split(none, 1), 'a b c'.rsplit(' ', 1), 'abc'.split('x'), ''.split(','), ''.split()
'a<b>c'.split('<')[1].split('>')[0], 'a</think>b'.split('</think>')[-1], 'x'.split('</think>')[-1], ' a b '.rsplit(), 'a  b c'.rsplit(none, 1)
'aXbXc'.replace('X', '--'), 'aaa'.replace('a', 'b', 2), 'abc'.replace('', '.'), 'aXb' | replace('X', 'Y'), ''.replace('', 'x'), 'aa'.replace('aa', 'a')
'Hello'.startswith('He'), 'Hello'.startswith(('x', 'He')), 'Hello'.endswith('lo'), 'Hello'.endswith('x'), 'Hello'.find('l'), 'Hello'.rfind('l'), 'Hello'.find('z'), 'ü🐍x'.find('x'), 'Hello'.count('l'), 'aaa'.count('aa'), 'ab'.count('')
'a-b-c'.partition('-'), 'a-b-c'.rpartition('-'), 'abc'.partition('-'), 'abc'.rpartition('-'), 'a\nb\r\nc\n'.splitlines(), ''.splitlines(), 'a\n'.splitlines(true)
'HeLLo wORLD'.title(), 'hello world'.capitalize(), 'Hello'.swapcase(), "it's o'clock".title(), "it's o'clock-now (yes)" | title, 'ß'.upper()
'abc'.isdigit(), '123'.isdigit(), 'abc'.isalpha(), 'ab1'.isalnum(), ' \n'.isspace(), ''.isspace(), 'abc'.islower(), 'ABC1'.isupper(), ''.isupper(), '1'.islower()
'abc'.removeprefix('a'), 'abc'.removesuffix('c'), 'abc'.removeprefix('x'), '7'.zfill(3), '-7'.zfill(4), ','.join(['a', 'b']), '-'.join([])
'%s and %d%%' % ('x', 5), '%s' % 'y', '%s|%s' | format('a', 1)
[1, 2, 3] | join, [1, 2, 3] | join(', '), ['a'] | join('-'), 'abc' | join('.'), people | join(', ', attribute='name'), [] | join(',')
numbers | sort, numbers | sort(reverse=true), ['b', 'A', 'c'] | sort, ['b', 'A', 'c'] | sort(case_sensitive=true), people | sort(attribute='name') | map(attribute='name') | list
numbers | unique | list, ['a', 'A', 'b'] | unique | list, numbers | reverse | list, 'abc' | reverse, numbers | sum, numbers | min, numbers | max, people | map(attribute='age', default=0) | sum
people | selectattr('age') | map(attribute='name') | list, people | selectattr('name', 'equalto', 'bo') | list | length, people | rejectattr('age', 'defined') | map(attribute='name') | list
people | selectattr('age', 'gt', 2) | map(attribute='name') | join, people | selectattr('name', 'in', ['bo', 'cy']) | list | length, people | map(attribute='name') | map('upper') | list
numbers | select('odd') | list, numbers | reject('odd') | list, numbers | select('gt', 1) | list, [0, 1, ''] | select | list, ['a', ''] | select | join
numbers | first, numbers | last, 'abc' | first, 'abc' | last, [] | first, [] | last, numbers | length, numbers | count, numbers | batch(3) | map('list') | list, [1,2,3] | batch(2, 0) | list
value | tojson, people | tojson, value | tojson(indent=2), [] | tojson(indent=2), {} | tojson, [[], {}] | tojson(indent=4), 'é"\\\n\t\x01\u2028' | tojson, 'é🐍' | tojson(ensure_ascii=true), 1.0 | tojson, 1e-7 | tojson, none | tojson
value | tojson(sort_keys=true), value | tojson(separators=(',', ':')), value | tojson(separators=(',', ':'), indent=0), (1,2) | tojson, value | tojson(indent='--'), {1: 2, none: 3, true: 4} | tojson
value | dictsort, {'b': 1, 'A': 2} | dictsort, {'b': 1, 'A': 2} | dictsort(true), {'b': 1, 'A': 2} | dictsort(false, 'value'), {'b': 1, 'A': 2} | dictsort(reverse=true)
undefined_name | default('d'), '' | default('d'), '' | default('d', true), none | default('d'), none | d('e', true), value.q | default('d'), false | default('x', boolean=true)
'5' | int, 'x' | int, 'x' | int(7), 5.9 | int, ' 12 ' | int, '1.9' | int, true | int, '1.5' | float, 'x' | float, 3 | float, none | int
-3 | abs, -3.5 | abs, 2.5 | round, 3.5 | round, 2.345 | round(2), 2.1 | round(0, 'ceil'), 2.9 | round(method='floor'), -2.5 | round
'<a & "b">' | escape, '<x>' | e, '<x>' | string, 5 | string, [1] | string
'a\nb\n\nc' | indent, 'a\nb' | indent(2), 'a\nb' | indent(2, true), 'a\n\nb' | indent(2, blank=true), 'a\nb' | indent('> '), 'a\n' | indent, '' | indent
text is defined, q is defined, q is undefined, none is none, q is none, 'a' is string, 1 is string, 1 is number, 1.5 is number, true is number, 1 is integer, true is integer, 1.5 is float
value is mapping, numbers is mapping, numbers is iterable, 'a' is iterable, value is iterable, 1 is iterable, q is iterable, numbers is sequence, 'a' is sequence, value is sequence, 1 is sequence, none is iterable
true is true, 1 is true, false is false, true is boolean, 3 is odd, 4 is even, 'abc' is lower, 'ABC' is upper, range is callable, text is callable, q is callable
9 is divisibleby(3), 9 is divisibleby 2, 1 is eq 1, 'a' is in ['a', 'b'], 'a' is not in ['a'], 1 is ne 2, 2 is gt 1, none is sameas none, 1 is sameas true, not 1 is eq 2, value.a is eq value.a, people[0].name is equalto 'bo'
range(3) | list, range(1, 7, 2) | list, range(5, 0, -2) | list, range(0) | list, range(3), range(2)[1], 2 in range(3)
dict(a=1, b='x'), dict({'a': 1}, b=2), {'a': 1, 'a': 2}, {'x': {'y': [1]}}.x.y[0], {1: 'a'}[1], [[1, 2], [3]][0][1]
strftime_now('%Y-%m-%d %H:%M:%S %A %a %B %b %d %j %I %p %y %% %-d %e'), strftime_now('%d %b %Y')
messages[0].role, messages[0]['content'] is string, messages | length, messages | map(attribute='role') | join(','), messages[-1].role, messages[:1] | length
'\x41\u00e9\U0001F40D\101\a\q\'\"', "a" "b" 'c', '\\n', 'a\
b'
'a' 'b' | upper, -1 | abs, -2 ** 2, 2 ** 3 ** 2, 1_000, 0.5, [1,2,3,], {'a': 1,}
'x' ~ (1 + 2) ~ 'y', 'a' ~ 'b' | upper, 10 - 2 - 3, 2 * 3 % 4, (1 if false else 2) + 1
'a' not in 'b' and not 'c' in 'd', 1 == 1 and 2 != 3 or false, (1 < 2) == true, not (true and false)
'🐍x'[0], '🐍x'[1], '🐍x'[1:], 'x🐍y'[::-1], '🐍' | length, 'e\u0301' | length, '🐍' * 2, '🐍' | list
'\xa0 a\u3000'.strip(), '\ufeffa'.strip() | length, '\x1ca'.strip(), 'a\x85b'.split(), ' \x1f x' | trim
'{{ x }}', '{% y %}', "{# z #}", '}}', '%}', '{' ~ '{', {'a': {'b': {}}}
"""
STATEMENTS = r"""
{% for x in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}
{% for x in [1, 2, 3] %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }}{{ loop.previtem is defined }};{% endfor %}
{% for x in [] %}x{% else %}none{% endfor %}|{% for x in [1] %}x{% else %}none{% endfor %}|{% for x in q %}x{% else %}undefined{% endfor %}
{% for x in [1, 2, 3, 4] if x is even %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% else %}none{% endfor %}
{% for x in [1, 2, 3, 4] %}a{% if x == 2 %}b{% continue %}{% endif %}{% if x == 4 %}c{% break %}{% endif %}{{ x }}{% else %}never{% endfor %}
{% for x in [1, 2] %}{% continue %}{% else %}else{% endfor %}|{% for x in [1, 2] %}{% break %}{% else %}else{% endfor %}
{% for k, v in value.items() %}{{ k }}={{ v }};{% endfor %}{% for k in value %}{{ k }}{% endfor %}{% for k, v in value | dictsort %}{{ k }}{% endfor %}
{% for c in 'aé🐍' %}[{{ c }}]{% endfor %}{% for a, b in [[1, 2], (3, 4), 'xy'] %}{{ a }}-{{ b }} {% endfor %}
{% for a, b in [[1, 2, 3]] %}{{ a }}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(x=1, y='a') %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y }}{{ ns.z }}{{ ns.z is defined }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}
{% set value.a = 5 %}
{% set x %}  block {{ 1 + 1 }} {% endset %}[{{ x }}]{{ x | length }}
{% if false %}a{% elif 0 %}b{% elif 'x' %}c{% else %}d{% endif %}{% if true %}{% set y = 5 %}{% endif %}{{ y }}
{% macro m(a, b='x', c=a) %}{{ a }}{{ b }}{{ c }}|{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}{{ m(1, 2, 3) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}
{% macro m(n) %}{{ n }}{% if n > 0 %},{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}
{% macro m() %}{{ outer }}{{ text }}{% endmacro %}{% set outer = 'late' %}{{ m() }}{% for outer in [1] %}{{ m() }}{% endfor %}
{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body{% endcall %}|{% macro l(xs) %}{% for x in xs %}{{ caller(x) }};{% endfor %}{% endmacro %}{% call(x) l([1, 2]) %}[{{ x }}]{% endcall %}
{% macro m(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ m('a') | upper }}{{ m('b') ~ 'c' }}{{ m('  d  ') | trim }}{{ y }}
{% filter upper %}ab{{ 'c' }}{% endfilter %}|{% filter replace('a', 'b') %}aa{% endfilter %}
{% generation %}x{% set z = 1 %}{{ z }}{% endgeneration %}{{ z }}
{% raw %}{{ x }}{% y %}{% endraw %}|{%- raw -%}  {{ x }}  {%- endraw -%}  z
a  {%- if true -%}  b  {%- endif -%}  c|{{- ' d ' -}} e {#- comment -#} f
{{ "a" }}
{% if true %}
b
{% endif %}
  {% if true %}
  c
  {% endif %}
d {% if true %} e {% endif %} f
	{# comment #}
g
  {{ 'h' }}

i
{%+ if true %}x{% endif +%}
y
  {%+ if true %}z{% endif %}
{% set a = 1 %}{% set b = 2 %}

c
   {%- set d = 1 %}   e
   {% set d = 1 -%}   
   f
{{ raise_exception('No: ' ~ 1) }}
{{ messages.append(1) }}
{{ value.update({}) }}
{{ q.x }}
{{ q() }}
{{ q + 1 }}
{{ 'a' + 1 }}
{{ [1] + (1,2) }}
{{ 1 / 0 }}
{{ 'a' < 1 }}
{{ value | unknown_filter }}
{{ value is unknown_test }}
{{ q | tojson }}
{{ 5 | length }}
{{ people | selectattr('age') | length }}
{% if people | selectattr('name', 'equalto', 'nobody') %}true{% else %}false{% endif %}{% if people | selectattr('name', 'equalto', 'nobody') | list %}true{% else %}false{% endif %}
{{ numbers | map('unknown') | list }}
{{ range(100001) | length }}
{{ q | length }}{{ q | trim }}{{ q | list }}{{ q | join }}{{ q | upper }}{{ q | string }}{{ q | first }}{{ q | items | list }}{{ q ~ 'x' }}{{ q.__class__ | string if false }}
{{ text.__class__ }}{{ ''.__class__.__mro__ }}
{{ value.__class__ }}{{ value['__proto__'] }}{{ value.constructor }}{{ numbers.constructor }}{{ text.constructor }}{{ range.constructor }}
{{ messages.__proto__ }}{{ toString }}{{ constructor }}{{ __proto__ }}{{ hasOwnProperty }}{{ value.hasOwnProperty }}{{ numbers.length }}{{ text.length }}
{{ loop }}
{% for i in [1, 2] %}{% for j in [1] %}{{ loop.index }}{{ loop.depth }}{% endfor %}{{ loop.index }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i) }}{% endfor %}
{% set ns = namespace(done=false) %}{% for i in [1, 2, 3] if not ns.done %}{{ i }}{% if i == 2 %}{% set ns.done = true %}{% endif %}{% endfor %}
{% set ns = namespace(done=false) %}{% for i in [1, 2, 3, 4] if not ns.done %}{{ i }}{{ loop.last }}{% if i == 2 %}{% set ns.done = true %}{% endif %}{% endfor %}
{% set loop_messages = messages[1:] if messages[0].role == 'system' else messages %}{{ loop_messages | length }}
{% set x = namespace(n=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set x.n = x.n + 1 %}{% endif %}{% endfor %}{{ x.n }}
{{ {'a': none}.a }}{{ {'a': none}.a is none }}{{ none.x }}{{ none.x is defined }}
{{ [1, [2, {'a': "b'c"}]] }}{{ ('a', none) }}{{ {'a': true} }}{{ 'a"b\'c\n' ~ ['a"b\'c\n\x00é\u200b'] }}
{% set messages = messages[:1] %}{{ messages | length }}{% if true %}{% set messages = [] %}{% endif %}{{ messages | length }}
{% for m in messages %}{% set messages = 1 %}{% endfor %}{{ messages is string }}
{% if x is defined %}a{% endif %}{% set x = 1 %}{% if x is defined %}b{% endif %}
{% for x in people if x.age is defined and x.age > 1 %}{{ x.name }}{% endfor %}
{{ text | trim | replace('wörld', 'you') | upper | length }}{{ (text | trim)[:5] }}{{ text | trim == 'x' }}
{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ pad_token }}
{{ value.a.b }}{{ value.a.b is defined }}
{{ value.q.b }}
{{ numbers.index(1) }}{{ numbers.count(1) }}
{{ 'x' if q else 'y' }}{{ 'x' if q is defined and q.z else 'y' }}
{% set a = [] %}{% set a = a + [1] %}{% set a = a + ['x'] %}{{ a }}{{ a == [1, 'x'] }}
{% for i in range(3) %}{{ ', ' if not loop.first }}{{ i }}{% endfor %}
{{ [1, 2] is sequence and [1] is not string and [1] is not mapping }}{{ 'a' is string and 'a' is sequence }}
"""


def split_expressions():
    for line in EXPRESSIONS.strip("\n").replace("'a\\\nb'", "'a\\\x00b'").split("\n"):
        yield "{{ [" + line.replace("\x00", "\n").replace(" | 7", ", 7").replace(" | 1 /", ", 1 /").replace(" | 'a' * 3", ", 'a' * 3") + "] }}"


def elements():
    """The parts of each line at its top-level commas, one template each: an error in one hides no other."""
    for line in split_expressions():
        body, depth, quote, start, escaped = line[4:-4], 0, "", 0, False
        for at, char in enumerate(body + ","):
            if escaped:
                escaped = False
            elif quote:
                escaped = char == "\\"
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in "([{":
                depth += 1
            elif char in ")]}":
                depth -= 1
            elif char == "," and depth == 0:
                yield "{{ " + body[start:at].strip() + " }}"
                start = at + 1


def statements():
    """Each line; lines from `{{ "a" }}` on to the blanks' end are one template, about whitespace."""
    text = STATEMENTS.strip("\n")
    first = text.index('{{ "a" }}\n')
    last = text.index("{{ raise_exception(")
    yield from text[:first].strip("\n").split("\n")
    yield text[first:last]
    yield text[first:last].rstrip("\n") + "\n\n"
    yield from text[last:].split("\n")


SNIPPETS = [*elements(), *statements()]
