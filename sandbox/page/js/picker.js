// The reactions picker: a search field, the emoji in groups, and a skin tone that is remembered in this browser.
// The arrow keys go from the field into the emoji and about in them; Enter in the field takes the first one found.

import { h } from "./dom.js";
import { GROUPS, TONES, emoji, find, known, withTone } from "./emoji.js";
import { openBeside } from "./menu.js";

const USUAL = ["+1", "-1", "heart", "tada", "eyes", "white_check_mark", "joy", "thinking_face"];
const COLUMNS = 8;

const remembered = (key) => JSON.parse(localStorage.getItem(key) ?? "null");
const remember = (key, value) => localStorage.setItem(key, JSON.stringify(value));

export function openPicker(anchor, choose) {
  let tone = remembered("tone") ?? "";
  const search = h("input", { type: "search", className: "field", placeholder: "Find an emoji", "aria-label": "Find an emoji", autocomplete: "off", oninput: () => draw() });
  const heard = h("p", { className: "visually-hidden", role: "status" });
  const list = h("div", { className: "emoji-list" });
  const shown = h("span", { className: "emoji-name", "aria-hidden": "true" });
  const tones = h("div", { className: "tones", role: "radiogroup", "aria-label": "Skin tone" }, TONES.map(([value, label]) =>
    h("label", { title: label },
      h("input", { type: "radio", name: "tone", className: "visually-hidden", "aria-label": label, value, checked: value === tone, onchange: () => setTone(value) }),
      h("span", { "aria-hidden": "true" }, emoji(value ? `hand::skin-tone-${value}` : "hand")))));
  const root = h("div", { className: "picker", role: "dialog", "aria-label": "Reactions" },
    search, heard, list, h("div", { className: "picker-foot" }, shown, tones));
  const close = openBeside(anchor, root);
  list.addEventListener("focusin", (event) => tell(event.target));
  list.addEventListener("pointerover", (event) => tell(event.target));
  root.addEventListener("keydown", keys);
  draw();
  search.focus();

  function draw() {
    const found = find(search.value);
    const recent = [...new Set([...(remembered("recent") ?? []), ...USUAL])].map(known).filter(Boolean).slice(0, COLUMNS * 2);
    const groups = search.value.trim() ? [{ title: "Found", emoji: found }] : [{ title: "Often used", emoji: recent }, ...GROUPS];
    list.replaceChildren(...groups.filter((group) => group.emoji.length).map(section));
    if (!list.childElementCount) list.replaceChildren(h("p", { className: "muted" }, `No emoji is called “${search.value.trim()}”.`));
    heard.textContent = search.value.trim() ? `${found.length} found` : "";
    list.scrollTop = 0;
    const first = list.querySelector("button");
    if (first) first.tabIndex = 0; // one stop for the tab key, wherever the arrows were last
    tell(first);
  }

  function section({ title, emoji: all }) {
    return h("section", { role: "group", "aria-label": title }, h("h3", {}, title),
      h("div", { className: "emoji-grid" }, all.map((one) => {
        const name = withTone(one, tone);
        return h("button", { type: "button", tabindex: "-1", "aria-label": name.replace("::", ", "), title: `:${name}:`, "data-name": name, onclick: () => take(name) }, emoji(name));
      })));
  }

  function tell(target) {
    const name = target?.closest?.("[data-name]")?.dataset.name;
    shown.textContent = name ? `:${name}:` : "";
  }

  function take(name) {
    const plain = name.split("::")[0];
    remember("recent", [plain, ...(remembered("recent") ?? []).filter((other) => other !== plain)].slice(0, COLUMNS));
    close();
    choose(name);
  }

  function setTone(value) {
    tone = value;
    remember("tone", value);
    draw();
  }

  function keys(event) {
    const buttons = [...list.querySelectorAll("button")];
    if (event.key === "Enter" && event.target === search) buttons[0]?.click();
    else if (event.key === "ArrowDown" && event.target === search) buttons[0]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") stay(event);
    else if (!list.contains(event.target) || !move(event, buttons)) return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }

  // The focus stays in the picker: after the last stop comes the first.
  function stay(event) {
    const stops = [search, list.querySelector('button[tabindex="0"]'), tones.querySelector("input:checked")].filter(Boolean);
    const at = stops.indexOf(list.contains(document.activeElement) ? stops[1] : document.activeElement);
    event.preventDefault();
    stops[(at + (event.shiftKey ? -1 : 1) + stops.length) % stops.length].focus();
  }

  function move(event, buttons) {
    const at = buttons.indexOf(event.target);
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const next = across(event.target, buttons, event.key === "ArrowDown" ? 1 : -1);
      if (next) next.focus();
      else if (event.key === "ArrowUp") search.focus();
    } else {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
      if (to === undefined) return false;
      buttons[to]?.focus();
    }
    const here = document.activeElement;
    if (list.contains(here)) {
      buttons.forEach((button) => { button.tabIndex = button === here ? 0 : -1; });
    }
    return true;
  }

  // The nearest one in the line above or below, whichever group it is in.
  function across(from, buttons, way) {
    const box = from.getBoundingClientRect();
    const beyond = buttons.map((button) => [button, button.getBoundingClientRect()]).filter(([, other]) => (other.top - box.top) * way > 1);
    const line = beyond.reduce((best, [, other]) => (best === null || (other.top - best) * way < 0 ? other.top : best), null);
    const there = beyond.filter(([, other]) => Math.abs(other.top - line) < 2);
    return there.sort((a, b) => Math.abs(a[1].left - box.left) - Math.abs(b[1].left - box.left))[0]?.[0];
  }
}
