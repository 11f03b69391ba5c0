import { openInWorker } from "@mamba/run";

const [log, input] = ["log", "input"].map((id) => document.getElementById(id));
const show = (text) => log.appendChild(Object.assign(document.createElement("p"), { textContent: text }));
try {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const place = new URLSearchParams(location.search).get("model") ?? "demo-model/";
  const model = await openInWorker(place, { worker });
  const chat = await model.chat();
  input.disabled = false;
  input.placeholder = "A message to the model";
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault();
    show(`You: ${input.value}`);
    const answer = show("Model: ");
    const events = chat.send(input.value, { maxTokens: 200 });
    input.value = "";
    for await (const event of events) {
      if (event.type === "text") answer.append(event.text);
      else if (event.type === "end") answer.dataset.finish = event.finish;
    }
  };
} catch (error) {
  show(error.message);
}
