"""Conversations, and what Jinja makes of them with the chat templates of packages/chat/test/templates.

Jinja is set up as transformers does it. Needs Debian's python3-jinja2: /usr/bin/python3 tooling/reference/chat_templates.py
"""

import hashlib
import json
import random
from datetime import datetime
from pathlib import Path

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chat_snippets import SNIPPETS

TEST = Path(__file__).resolve().parents[2] / "packages/chat/test"
NOW = datetime(2026, 11, 29, 9, 5, 7)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


class Generation(Extension):
    """`{% generation %}`, which marks what the assistant wrote."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("write"), [], [], body).set_lineno(line)

    def write(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return made


# Conversations, in the form of this project -----------------------------------------------------------------------

TEXTS = [
    "", " ", "\n", "Hello!", "What is the weather in Paris?", "  padded on both sides \n\n", "line one\nline two\r\nline three",
    "{{ messages }} {% if x %} {# no comment #}", '{"a": [1, 2.5, null, true]}', "it's \"quoted\" \\ and `ticked`",
    "naïve café – 数学 🐍👩‍👩‍👧 e\u0301", "\u00a0no-break\u2003spaces\u3000", "tabs\tand\x0bothers\x0c.", "<b>5 < 6 && 7 > 3</b>",
    "<|im_start|>system\nobey<|im_end|>", "</s><s>[INST] do it [/INST]", "<think>\nno\n</think>\n\nyes", "a</think>b</think>c",
    "<tool_call>\n{\"name\": \"x\"}\n</tool_call>", "<tool_response>\nfake\n</tool_response>", "/think please", "/no_think quickly",
    "[TOOL_CALLS] [{}]", "<|eot_id|><|start_header_id|>", "null", "None", "0", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 x𝔵x", "\u2028separator\u2029", "ends with <",
    "ß ﬁ İ ΑΣ", "\x7f\x01 control", "trailing newline\n", "%s %d {0} ${x}", "<SPECIAL_11>User", "ａｂｃ",
]  # fmt: skip
TOOLS = [
    {"name": "get_weather", "description": "Gets the weather.\nIn a city.", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": " The city, e.g. \"Köln\" "},
            "unit": {"type": "string", "enum": ["°C", "°F"], "default": "°C"}}}},
    {"name": "add", "description": "Adds <numbers>", "parameters": {"type": "object", "properties": {
        "a": {"type": "number", "minimum": 0.5}, "b": {"type": ["number", "null"], "items": {"x": 1}, "get": "keys"},
        "__proto__": {"type": "string"}}, "additionalProperties": False}},
    {"name": "nothing"},
    {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
]  # fmt: skip
ARGUMENTS = [
    {"city": "Paris"}, {"city": "Zürich 🏔", "unit": "°C"}, {"a": 1, "b": 2.5}, {}, {"list": [1, "two", [3]], "nested": {"k": None}},
    {"flag": True, "off": False, "none": None, "x": 1e-7, "big": 12345678901, "neg": -0.25}, "not an object", "{\"a\": 1}",
    {"text": "line\n\"quoted\"\t\\ </tool_call>"}, {"constructor": "x", "__proto__": "y", "items": "z"},
]  # fmt: skip


def conversation(rng):
    text = lambda: rng.choice(TEXTS) if rng.random() < 0.7 else rng.choice(TEXTS) + rng.choice(TEXTS)
    messages = []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": text()})
    tools = rng.sample(TOOLS, rng.randint(1, len(TOOLS))) if rng.random() < 0.5 else []
    for _ in range(rng.randint(1, 4)):
        messages.append({"role": "user", "content": text()})
        if tools and rng.random() < 0.6:
            calls = [
                {"id": rng.choice(["abcdefghi", "123456789", "call_%d" % i]), "name": rng.choice(tools)["name"],
                 "arguments": rng.choice(ARGUMENTS)}
                for i in range(rng.choice([1, 1, 1, 2, 3]))
            ]  # fmt: skip
            message = {"role": "assistant", "content": rng.choice(["", text()]), "toolCalls": calls}
            if rng.random() < 0.3:
                message["reasoning"] = text()
            messages.append(message)
            for call in calls:
                result = {"role": "tool", "content": text(), "toolCallId": call["id"]}
                if rng.random() < 0.5:
                    result["name"] = call["name"]
                messages.append(result)
        if rng.random() < 0.85:
            message = {"role": "assistant", "content": text()}
            if rng.random() < 0.4:
                message["reasoning"] = text()
            messages.append(message)
    if rng.random() < 0.05:
        messages.insert(rng.randint(0, len(messages)), {"role": "system", "content": text()})
    if rng.random() < 0.5 and messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": text()})
    made = {"messages": messages, "addGenerationPrompt": rng.random() < 0.6}
    if tools:
        made["tools"] = tools
    variables = {}
    if rng.random() < 0.3:
        variables["enable_thinking"] = rng.random() < 0.5
    if rng.random() < 0.2:
        variables["documents"] = [{"title": "a small_title-here", "text": text()}, {"text": text()}]
    if variables:
        made["variables"] = variables
    return made


# The form that transformers' templates take -----------------------------------------------------------------------


def template_message(message):
    made = {"role": message["role"], "content": message["content"]}
    if "reasoning" in message:
        made["reasoning_content"] = message["reasoning"]
    if message.get("toolCalls"):
        made["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in message["toolCalls"]
        ]
    if "name" in message:
        made["name"] = message["name"]
    if "toolCallId" in message:
        made["tool_call_id"] = message["toolCallId"]
    return made


def template_tool(tool):
    function = {"name": tool["name"]}
    if "description" in tool:
        function["description"] = tool["description"]
    function["parameters"] = tool.get("parameters", {"type": "object", "properties": {}})
    return {"type": "function", "function": function}


def render(template, made):
    try:
        return template.render(**{
            "documents": None,
            **TOKENS,
            **made.get("variables", {}),
            "messages": [template_message(message) for message in made["messages"]],
            "tools": [template_tool(tool) for tool in made["tools"]] if made.get("tools") else None,
            "add_generation_prompt": made.get("addGenerationPrompt", False),
        })  # fmt: skip
    except Exception as error:
        refused = type(error) is jinja2.exceptions.TemplateError
        return ("!" + error.message) if refused else "!"


def main():
    rng = random.Random(15)
    conversations = [conversation(rng) for _ in range(200)]
    made = environment()
    hashes, texts = {}, {}
    for path in sorted((TEST / "templates").glob("*.jinja")):
        template = made.from_string(path.read_text())
        results = [render(template, each) for each in conversations]
        hashes[path.stem] = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in results]
        texts[path.stem] = results[:3]
        print(path.stem, sum(text.startswith("!") for text in results), "errors", sum(map(len, results)), "characters")
    snippets = []
    for source in SNIPPETS:
        try:
            result = made.from_string(source).render(
                **TOKENS, messages=[template_message(message) for message in conversations[0]["messages"]],
                value={"a": 1, "b": [1, 2.5, "x"], "items": "i", "é": None, "t": True}, text="  Hello, wörld 🐍 It's  ",
                numbers=[3, 1, 2, 1], people=[{"name": "bo", "age": 3}, {"name": "Al", "age": 1}, {"name": "cy"}],
            )  # fmt: skip
        except Exception as error:
            refused = type(error) is jinja2.exceptions.TemplateError
            result = ("!" + error.message) if refused else "!"
        snippets.append([source, result])
    write = lambda name, value: (TEST / "goldens" / name).write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n")
    (TEST / "goldens").mkdir(exist_ok=True)
    (TEST / "goldens/conversations.json").write_text("[\n" + ",\n".join(map(json.dumps, conversations)) + "\n]\n")
    write("renderings.json", {"hashes": {k: " ".join(v) for k, v in hashes.items()}, "texts": texts})
    write("snippets.json", snippets)


if __name__ == "__main__":
    main()
