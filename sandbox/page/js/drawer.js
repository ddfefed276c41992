// The drawer: what passed between the workspace and the app, and trouble on demand.

import { explain, get, post, remove } from "./api.js";
import { h, iconButton, toast } from "./dom.js";

const KINDS = ["all", "api", "event", "command", "interactive", "ack", "hook", "socket", "fault"];
const root = document.getElementById("drawer");
// Which way an entry went, as seen by the app.
const TO_APP = new Set(["event", "command", "interactive"]);
const FROM_APP = new Set(["api", "ack", "hook"]);
const drawer = { tab: "traffic", kind: "all", words: "", entries: [], counts: {}, opener: null };
let loading = null;

export const isOpen = () => !root.hidden;

export function openDrawer() {
  drawer.opener = document.activeElement;
  root.hidden = false;
  drawer.entries = [];
  show(drawer.tab);
  root.querySelector("button")?.focus();
}

function close() {
  root.hidden = true;
  // What opened it may have been drawn again since.
  const opener = drawer.opener?.isConnected ? drawer.opener : document.querySelector('[data-key="drawer"]');
  opener?.focus();
}

root.addEventListener("keydown", (event) => event.key === "Escape" && close());

function show(tab) {
  drawer.tab = tab;
  const scroll = h("div", { className: "scroll", id: "drawer-body", role: "tabpanel", tabindex: "0" });
  const tabButton = (name, label) =>
    h("button", {
      type: "button", role: "tab", className: "tab", "aria-selected": String(tab === name), "aria-controls": "drawer-body",
      tabindex: tab === name ? "0" : "-1", onclick: () => show(name),
    }, label);
  const tabs = h("div", { className: "tabs", role: "tablist", "aria-label": "Traffic and faults" }, tabButton("traffic", "Traffic"), tabButton("faults", "Faults"));
  tabs.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    show(tab === "traffic" ? "faults" : "traffic");
    root.querySelector('[role="tab"][aria-selected="true"]').focus();
  });
  root.replaceChildren(
    h("div", { className: "pane-head" }, h("div", { className: "titles" }, h("h2", {}, "Traffic and faults")), iconButton("close", "Close", close)),
    tabs,
    scroll);
  if (tab === "traffic") refreshTraffic();
  else refreshFaults();
}

// At most one request at a time, however fast the traffic is.
export function refreshTraffic() {
  if (!isOpen() || drawer.tab !== "traffic" || loading) return;
  loading = setTimeout(async () => {
    const since = drawer.entries.at(-1)?.id ?? 0;
    const body = await get(`/sandbox/traffic?since=${since}`);
    drawer.entries = [...drawer.entries, ...body.entries].slice(-400);
    drawer.counts = body.counts.api;
    loading = null;
    if (drawer.tab === "traffic") drawTraffic();
  }, drawer.entries.length ? 150 : 0);
}

function drawTraffic() {
  const body = root.querySelector("#drawer-body");
  const open = new Set([...body.querySelectorAll("details[open]")].map((element) => element.dataset.id));
  const focus = document.activeElement?.dataset?.key;
  const wanted = drawer.entries.filter((entry) => (drawer.kind === "all" || entry.kind === drawer.kind) && has(entry, drawer.words)).reverse();
  const search = h("input", {
    type: "search", className: "field", placeholder: "Find in names and contents", "aria-label": "Find in the traffic", value: drawer.words, "data-key": "words",
    oninput: (event) => {
      drawer.words = event.target.value;
      drawTraffic();
    },
  });
  const caret = document.activeElement?.selectionStart;
  const filter = (kind) => h("button", {
    type: "button", className: "button", "aria-pressed": String(drawer.kind === kind), "data-key": `filter/${kind}`,
    onclick: () => {
      drawer.kind = kind;
      drawTraffic();
    },
  }, kind);
  body.replaceChildren(
    h("ul", { className: "counts", "aria-label": "API calls by method" },
      Object.entries(drawer.counts).sort((a, b) => b[1] - a[1]).map(([name, number]) => h("li", {}, `${name} `, h("b", {}, String(number))))),
    h("div", { className: "filters", role: "group", "aria-label": "Show" }, KINDS.map(filter)),
    h("div", { className: "filters" }, search),
    wanted.length ? "" : h("p", { className: "muted" }, "Nothing like that has passed."),
    ...wanted.slice(0, 200).map((entry) => drawEntry(entry, open.has(String(entry.id)))));
  const again = focus && body.querySelector(`[data-key="${CSS.escape(focus)}"]`);
  again?.focus();
  if (focus === "words") again.setSelectionRange(caret, caret);
}

const has = (entry, words) => !words || JSON.stringify(entry).toLowerCase().includes(words.toLowerCase());

function way(kind) {
  const [sign, words] = TO_APP.has(kind) ? ["→", "to the app"] : FROM_APP.has(kind) ? ["←", "from the app"] : ["·", ""];
  return h("span", { className: "way", title: words }, h("span", { "aria-hidden": "true" }, sign), words && h("span", { className: "visually-hidden" }, words));
}

function drawEntry(entry, open) {
  const bad = entry.ok === false || entry.error || entry.given_up || entry.dropped;
  const outcome = entry.error ?? (entry.given_up ? "given up" : entry.dropped ? "dropped" : entry.attempt ? `try ${entry.attempt + 1}` : entry.ms === undefined || entry.ms === null ? "" : `${entry.ms} ms`);
  const time = new Date(entry.at * 1000);
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  const rest = Object.fromEntries(Object.entries(entry).filter(([key]) => !["id", "at", "kind", "name"].includes(key)));
  return h("details", { className: "entry", "data-id": String(entry.id), open },
    h("summary", { "data-key": `entry/${entry.id}` }, h("span", { className: "muted clock" }, clock), h("span", { className: "kind" }, way(entry.kind), entry.kind),
      h("span", { className: "what" }, entry.name), h("span", { className: `outcome${bad ? " bad" : ""}` }, outcome)),
    h("pre", { tabindex: "0" }, JSON.stringify(rest, null, 2)));
}

export async function refreshFaults() {
  if (!isOpen() || drawer.tab !== "faults") return;
  const { faults, kinds } = await get("/sandbox/faults");
  const list = faults.length
    ? h("ul", { className: "faults", "aria-label": "Active faults" }, faults.map((fault) => h("li", {}, describe(fault))))
    : h("p", { className: "muted" }, "No fault is active.");
  const clear = h("button", { type: "button", className: "button", disabled: !faults.length, onclick: () => remove("/sandbox/faults") }, "Clear all");
  root.querySelector("#drawer-body").replaceChildren(quickFaults(), faultForm(kinds), h("h3", {}, "Active"), list, clear);
}

function describe(fault) {
  const times = fault.times === null ? "until cleared" : `${fault.times} more`;
  return `${fault.kind} ${fault.method === "*" ? "" : fault.method} (${times})`;
}

const FIELDS = {
  rate_limit: ["method", "times", "retry_after"], method_error: ["method", "error", "times"], no_streaming: ["error"],
  refuse_feedback: [], delay: ["method", "ms", "times"], duplicate: ["times"], drop_acks: ["times"], disconnect: ["reason"],
};
const QUICK = [
  ["Disconnect", { kind: "disconnect", reason: "refresh_requested" }],
  ["Rate limit the next call", { kind: "rate_limit", times: 1, retry_after: 2 }],
  ["No streaming", { kind: "no_streaming" }],
  ["Lose the next ack", { kind: "drop_acks", times: 1 }],
];
const EXAMPLES = { method: "chat.update", times: "1", retry_after: "2", error: "unknown_method", ms: "1500", reason: "refresh_requested" };

const make = (body) => post("/sandbox/faults", body).catch((error) => toast(explain(error)));

function quickFaults() {
  return h("div", { className: "filters", role: "group", "aria-label": "Quick faults" },
    QUICK.map(([label, body]) => h("button", { type: "button", className: "button", onclick: () => make(body) }, label)));
}

function faultForm(kinds) {
  const select = h("select", { className: "field", "aria-label": "Fault" }, Object.keys(kinds).map((kind) => h("option", { value: kind }, kind.replaceAll("_", " "))));
  const note = h("p", { className: "muted" });
  const fields = h("div", { className: "row" });
  const draw = () => {
    const times = FIELDS[select.value].includes("times") ? " Leave `times` empty to keep it until it is cleared." : "";
    note.textContent = `${kinds[select.value]}.${times}`.replaceAll("`", "");
    fields.replaceChildren(...FIELDS[select.value].map((name) =>
      h("label", {}, name.replaceAll("_", " "), h("input", { className: "field", name, value: EXAMPLES[name] }))));
  };
  select.addEventListener("change", draw);
  draw();
  const form = h("form", { className: "fault-form" }, select, note, fields, h("div", {}, h("button", { type: "submit", className: "button primary" }, "Make it happen")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { kind: select.value };
    for (const input of fields.querySelectorAll("input")) {
      if (input.name === "times") body.times = input.value ? Number(input.value) : null;
      else if (input.value) body[input.name] = ["retry_after", "ms"].includes(input.name) ? Number(input.value) : input.value;
    }
    await make(body);
  });
  return form;
}
