"use strict";
// Text comes onto the page as text, never as markup. A question keeps its key until it is answered, so that asking it
// again after trouble can't ask it twice.

const MOST_TRIES = 5;
const $ = (id) => document.getElementById(id);
let conversation = null;

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  if (response.status === 401 && !$("room").hidden) show(null);
  return response;
}

// What is wrong, in words. A value that is refused is told as a list, one entry for each field.
async function reason(response) {
  const { detail } = await response.json().catch(() => ({}));
  if (Array.isArray(detail)) return detail.map((each) => `${each.loc.at(-1)}: ${each.msg}`).join("; ");
  return detail || `The server answers with ${response.status}.`;
}

function show(name) {
  $("door").hidden = name !== null;
  $("room").hidden = name === null;
  $("who").textContent = name ?? "";
  if (name !== null) open(null);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function addMessage(role, text, sources = []) {
  const message = element("article", `message ${role}`, "");
  const content = element("div", "text", text);
  const from = element("div", "sources", "");
  message.append(content, from);
  const said = {
    say: (more) => { content.append(more); message.scrollIntoView({ block: "end" }); },
    replace: (other) => { content.textContent = other; },
    cite: (list) => { from.textContent = list.map((source, n) => `[${n + 1}] ${source.chapter}: ${source.section}`).join("   "); },
    trouble: () => message.classList.add("trouble"),
  };
  said.cite(sources);
  $("messages").append(message);
  message.scrollIntoView({ block: "end" });
  return said;
}

async function listConversations() {
  const response = await call("GET", "conversations");
  if (!response.ok) return;
  const items = (await response.json()).map(({ id, title }) => {
    const button = element("button", id === conversation ? "open" : "", title);
    button.addEventListener("click", () => open(id));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  $("conversations").replaceChildren(...items);
}

async function open(id) {
  conversation = id;
  $("messages").replaceChildren();
  listConversations();
  if (id !== null) {
    const response = await call("GET", `conversations/${id}`);
    if (conversation !== id) return; // another one was opened meanwhile
    if (!response.ok) return addMessage("assistant", await reason(response)).trouble();
    for (const message of await response.json()) addMessage(message.role, message.content, message.sources);
  }
  $("question").focus();
}

// Server-sent events of an answer to POST, which EventSource can't ask for.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const [name, data] = block.split("\n");
      yield [name.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
    }
  }
}

const seconds = (count) => new Promise((resolve) => setTimeout(resolve, 1000 * count));

// True when the answer is there and kept.
async function answer(query, said) {
  const response = await call("POST", "chat/query", query);
  if (response.status === 503) {
    said.replace((await response.json()).answer ?? "Too much is going on just now.");
    await seconds(Number(response.headers.get("Retry-After")) || 2);
    return false;
  }
  said.replace("");
  if (!response.ok) {
    said.say(await reason(response));
    said.trouble();
    return true;
  }
  for await (const [name, value] of events(response)) {
    if (name === "sources") said.cite(value);
    if (name === "text") said.say(value);
    if (name === "end") return true;
    if (name === "trouble") await seconds(value.retry_after_s);
  }
  return false;
}

async function ask(question) {
  addMessage("user", question);
  const said = addMessage("assistant", "...");
  const key = newKey();
  const query = { question, key, conversation_id: conversation, stream: true };
  conversation ??= key;
  const asked = conversation;
  for (let tries = 0; tries < MOST_TRIES; ++tries) {
    try {
      if (await answer(query, said)) return listConversations();
    } catch {
      await seconds(2); // the connection broke: the same key again
    }
    if (conversation !== asked) return;
  }
  said.replace("That did not work. Ask again later.");
  said.trouble();
}

// crypto.randomUUID is there only on pages that come over HTTPS or from this machine.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function enter(registersFirst) {
  const given = { name: $("name").value, password: $("password").value };
  $("door-said").textContent = "";
  for (const path of registersFirst ? ["register", "login"] : ["login"]) {
    const response = await call("POST", path, given);
    if (!response.ok) {
      $("door-said").textContent = await reason(response);
      return;
    }
  }
  $("password").value = "";
  show(given.name);
}

$("login").addEventListener("submit", (event) => { event.preventDefault(); enter(false); });
$("register").addEventListener("click", () => { if ($("login").reportValidity()) enter(true); });
$("leave").addEventListener("click", async () => { await call("POST", "logout"); show(null); });
$("new").addEventListener("click", () => open(null));
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); $("ask").requestSubmit(); }
});
$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const question = $("question").value.trim();
  if (!question || $("send").disabled) return;
  $("question").value = "";
  $("send").disabled = true;
  await ask(question);
  $("send").disabled = false;
});
call("GET", "me").then(async (response) => show(response.ok ? (await response.json()).name : null));
