// The two panes of conversation: the channel (or the App Home), and the open thread.

import { composer } from "./composer.js";
import { avatar, h, iconButton } from "./dom.js";
import { drawHome } from "./home.js";
import { attempt, drawMessages, walk } from "./messages.js";
import { channelById, mine, state, threadOf, topLevel } from "./state.js";

const main = document.getElementById("main");
const thread = document.getElementById("thread");
const parts = {};

const nearBottom = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 120;

function log(label) {
  const inner = h("div", { className: "log-inner" });
  const root = h("div", { className: "log", role: "log", "aria-live": "off", "aria-label": label, onkeydown: walk }, inner);
  // Whoever is at the end stays there when a picture arrives or the window changes.
  let atEnd = true;
  let height = 0;
  const look = () => { atEnd = nearBottom(root); };
  // Where somebody is after something has grown says nothing about where they wanted to be.
  const stays = () => {
    if (root.scrollHeight === height) look();
    return atEnd;
  };
  root.addEventListener("scroll", stays);
  const watch = new ResizeObserver(() => {
    if (atEnd) root.scrollTop = root.scrollHeight;
    height = root.scrollHeight;
  });
  watch.observe(inner);
  watch.observe(root);
  return { root, inner, look, stays };
}

export function buildMain(go) {
  const channel = channelById(state.channel);
  const direct = channel.kind === "im";
  const onHome = direct && state.tab === "home";
  const list = log(`Messages in ${channel.name}`);
  const box = composer({
    id: "composer-main", commands: true,
    label: `Message ${channel.name}`, placeholder: direct ? `Message ${channel.name}` : `Message #${channel.name}`,
  });
  parts.main = { list, box, status: h("div", { className: "status", "aria-live": "polite" }), prompts: h("div", { className: "prompts" }), home: h("div", { className: "home", id: "home", role: "tabpanel", tabindex: "-1", "aria-label": "Home" }) };
  main.replaceChildren(
    h("header", { className: "pane-head" },
      iconButton("back", "All channels", () => go.places(), { className: "icon-button back" }),
      direct ? avatar(state.workspace.bot, "small") : null,
      h("div", { className: "titles" }, h("h2", {}, direct ? channel.name : `# ${channel.name}`), h("p", {}, subtitle(channel))),
      h("button", { type: "button", className: "me only-narrow", onclick: () => go.places() },
        avatar(state.me, "small"), h("span", { className: "visually-hidden" }, `You act as ${state.me.real_name}; change`)),
      iconButton("activity", "Traffic and faults", go.drawer)),
    direct && state.workspace.app.home_tab ? tabs(go, onHome) : "",
    ...(onHome ? [parts.main.home] : [list.root, parts.main.status, parts.main.prompts, box.root]));
  const skip = document.querySelector(".skip-link");
  skip.href = onHome ? "#home" : "#composer-main";
  skip.textContent = onHome ? "Skip to Home" : "Skip to the message box";
  drawMain(go, true);
}

function subtitle(channel) {
  if (channel.kind === "im") return state.workspace.app.agent_description || state.workspace.app.description;
  const people = channel.members.length;
  return [channel.topic, `${people} members`, channel.is_ext_shared && "shared with another workspace"].filter(Boolean).join(" · ");
}

function tabs(go, onHome) {
  const tab = (name, label, selected) =>
    h("button", { type: "button", role: "tab", className: "tab", "aria-selected": String(selected), tabindex: selected ? "0" : "-1", onclick: () => go.tab(name) }, label);
  const root = h("div", { className: "tabs", role: "tablist", "aria-label": state.workspace.app.name }, tab("home", "Home", onHome), tab("messages", "Messages", !onHome));
  root.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") go.tab(onHome ? "messages" : "home", true);
  });
  return root;
}

export function drawMain(go, toBottom = false) {
  if (!parts.main) return;
  const { list, home } = parts.main;
  const channel = channelById(state.channel);
  if (channel.kind === "im" && state.tab === "home") {
    drawHome(home);
    return;
  }
  const stay = toBottom || list.stays();  // the browser tells of a scroll at its next frame only
  drawMessages(list.inner, topLevel(channel.id), { days: true, openThread: go.thread, newSince: state.newSince });
  list.inner.prepend(intro(channel));
  drawPrompts(channel);
  drawStatus();
  if (stay) list.root.scrollTop = list.root.scrollHeight;
}

function intro(channel) {
  if (channel.kind === "im") {
    return h("div", { className: "intro" }, avatar(state.workspace.bot, "large"), h("h3", {}, channel.name), h("p", {}, state.workspace.app.agent_description));
  }
  const how = channel.bot_is_member ? `Mention @${state.workspace.bot.name} to ask it something.` : `${state.workspace.app.name} is not in this channel.`;
  return h("div", { className: "intro" }, h("h3", {}, `# ${channel.name}`), h("p", {}, `${channel.topic}. ${how}`));
}

function drawPrompts(channel) {
  const root = parts.main.prompts;
  const shown = channel.kind === "im" ? state.prompts?.prompts ?? [] : [];
  root.hidden = shown.length === 0;
  root.replaceChildren(
    state.prompts?.title ? h("span", { className: "muted" }, state.prompts.title) : "",
    ...shown.map((prompt) => h("button", { type: "button", className: "prompt", onclick: () => attempt(mine("say", { channel: channel.id, text: prompt.message })) }, prompt.title)));
}

export function buildThread(go) {
  thread.hidden = state.thread === null;
  if (state.thread === null) {
    thread.replaceChildren();
    delete parts.thread;
    return;
  }
  const channel = channelById(state.channel);
  const list = log("Thread");
  const box = composer({ id: "composer-thread", threadTs: state.thread, commands: false, label: "Reply in thread", placeholder: "Reply..." });
  parts.thread = { list, box, status: h("div", { className: "status", "aria-live": "polite" }) };
  thread.replaceChildren(
    h("header", { className: "pane-head" },
      iconButton("back", "Back to the channel", go.closeThread, { className: "icon-button back" }),
      h("div", { className: "titles" }, h("h2", {}, "Thread"), h("p", {}, channel.kind === "im" ? channel.name : `# ${channel.name}`)),
      iconButton("close", "Close thread", go.closeThread)),
    list.root, parts.thread.status, box.root);
  drawThread(true);
}

export function drawThread(toBottom = false) {
  if (!parts.thread) return;
  const { list } = parts.thread;
  const stay = toBottom || list.stays();  // the browser tells of a scroll at its next frame only
  drawMessages(list.inner, threadOf(state.channel, state.thread), { thread: true });
  drawStatus();
  if (stay) list.root.scrollTop = list.root.scrollHeight;
}

// Nobody is at work in the open thread, so that another may take its place.
export function threadIsIdle() {
  return !state.views.length && !parts.thread?.box.area.value.trim() && !thread.contains(document.activeElement);
}

let turn = 0;

export function drawStatus() {
  const now = Date.now();
  const here = [...state.statuses.values()].filter((status) => status.channel === state.channel && status.until > now);
  if (parts.main) fillStatus(parts.main.status, state.thread ? null : here.at(-1));
  if (parts.thread) fillStatus(parts.thread.status, here.find((status) => status.thread_ts === state.thread));
}

function fillStatus(root, status) {
  if (!status) {
    root.replaceChildren();
    return;
  }
  const words = status.loading_messages.length ? status.loading_messages[turn % status.loading_messages.length] : `${state.workspace.app.name} ${status.status}`;
  if (root.lastChild?.textContent === words) return;
  root.replaceChildren(h("span", { className: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", {}, words));
}

setInterval(() => {
  turn += 1;
  if (state.me) drawStatus();
}, 2500);

export function mark(ts) {
  const element = document.querySelector(`.message[data-ts="${CSS.escape(ts)}"]`);
  element?.scrollIntoView({ block: "center" });
  Object.values(parts).forEach((part) => part.list.look());
  element?.classList.add("marked");
  setTimeout(() => element?.classList.remove("marked"), 1500);
}

export const focusComposer = (where) => parts[where]?.box.area.focus();
