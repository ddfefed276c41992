// The message box: Enter sends, Shift+Enter breaks the line, "/" offers commands and "@" people.

import { explain } from "./api.js";
import { avatar, h, iconButton, toast } from "./dom.js";
import { mine, state } from "./state.js";

export function composer({ id, label, placeholder, threadTs, commands }) {
  const list = h("ul", { className: "suggestions", role: "listbox", id: `${id}-list`, "aria-label": "Suggestions", hidden: true });
  const area = h("textarea", {
    id, rows: "1", placeholder, "aria-label": label, "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-controls": `${id}-list`, autocomplete: "off",
  });
  const send = iconButton("send", "Send", () => submit(), { disabled: true });
  send.classList.add("send");
  const root = h("div", { className: "composer" }, list, area, send);
  const box = { root, area, list, send, items: [], chosen: 0, commands };

  async function submit() {
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    refresh(box);
    try {
      await deliver(text, threadTs, commands);
    } catch (error) {
      area.value = text; // nothing that was typed is lost
      refresh(box);
      toast(explain(error));
    }
  }

  area.addEventListener("input", () => refresh(box));
  area.addEventListener("blur", () => close(box));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (box.items.length && suggestionKey(event, box)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  });
  box.submit = submit;
  return box;
}

async function deliver(text, threadTs, commands) {
  const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  if (command) {
    if (!commands) throw new Error("Slash commands cannot be used in threads.");
    await mine("command", { channel: state.channel, command: command[1], text: command[2] });
  } else {
    await mine("say", { channel: state.channel, text, ...(threadTs ? { thread_ts: threadTs } : {}) });
  }
}

function refresh(box) {
  const { area } = box;
  area.style.height = "auto";
  if (!CSS.supports("field-sizing", "content")) area.style.height = `${area.scrollHeight}px`;
  box.send.disabled = !area.value.trim();
  box.items = suggestionsFor(box);
  box.chosen = 0;
  drawSuggestions(box);
}

function suggestionsFor({ area, commands }) {
  const before = area.value.slice(0, area.selectionStart);
  const slash = /^\/\S*$/.exec(before);
  if (slash && commands) {
    return state.workspace.app.commands
      .filter((command) => command.name.startsWith(slash[0]))
      .map((command) => ({ name: command.name, hint: command.usage_hint, note: command.description, start: 0, insert: `${command.name} ` }));
  }
  const at = /(?:^|\s)@([\w.-]*)$/.exec(before);
  if (!at) return [];
  const start = before.length - at[1].length - 1;
  return [state.workspace.bot, ...state.workspace.people]
    .filter((one) => one.name.startsWith(at[1].toLowerCase()) || one.real_name.toLowerCase().startsWith(at[1].toLowerCase()))
    .map((one) => ({ name: one.real_name, note: `@${one.name}`, person: one, start, insert: `@${one.name} ` }));
}

function drawSuggestions(box) {
  const { list, area, items } = box;
  list.hidden = items.length === 0;
  if (items.length) area.setAttribute("aria-activedescendant", `${list.id}-${box.chosen}`);
  else area.removeAttribute("aria-activedescendant");
  list.replaceChildren(...items.map((item, index) =>
    h("li", {
      id: `${list.id}-${index}`,
      role: "option",
      "aria-selected": String(index === box.chosen),
      onpointerdown: (event) => {
        event.preventDefault(); // keep the focus in the box
        take(box, index);
      },
    }, item.person && avatar(item.person, "small"), h("b", {}, item.name), item.hint && h("code", {}, item.hint), h("span", { className: "muted" }, item.note))));
}

function suggestionKey(event, box) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    box.chosen = (box.chosen + step + box.items.length) % box.items.length;
    drawSuggestions(box);
  } else if (event.key === "Tab" || (event.key === "Enter" && !isWhole(box))) {
    take(box, box.chosen);
  } else if (event.key === "Escape") {
    close(box);
  } else {
    return false;
  }
  event.preventDefault();
  return true;
}

// Enter on a command that is already complete sends it.
const isWhole = ({ area, items, chosen }) => area.value === items[chosen].insert.trim();

function take(box, index) {
  const { area } = box;
  const item = box.items[index];
  const after = area.value.slice(area.selectionStart);
  area.value = area.value.slice(0, item.start) + item.insert + after;
  area.selectionStart = area.selectionEnd = item.start + item.insert.length;
  area.focus();
  refresh(box);
}

function close(box) {
  box.items = [];
  drawSuggestions(box);
}
