// Messages: one article each, kept as long as nothing about it changed, so that focus and selection survive.

import { explain } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { avatar, h, icon, iconButton, toast } from "./dom.js";
import { emoji } from "./emoji.js";
import { openPicker } from "./picker.js";
import { isReply, messagesOf, mine, person, role, state } from "./state.js";
import { markdown, mrkdwn } from "./text.js";

const GROUP_SECONDS = 300;

export const attempt = (work) => work.catch((error) => toast(explain(error)));

export function drawMessages(root, messages, options) {
  const known = new Map([...root.querySelectorAll(".message")].map((element) => [element.dataset.ts, element]));
  const focused = document.activeElement?.closest(".message");
  const key = document.activeElement?.dataset?.key;
  const nodes = [];
  const replying = messages.filter((one) => !one.ephemeral).length - 1;
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    if (options.days && dayOf(message) !== dayOf(before)) nodes.push(h("div", { className: "day" }, dayOf(message)));
    if (options.newSince && message.ts > options.newSince && message.user !== state.me.id && !nodes.some((node) => node.matches(".new"))) {
      nodes.push(h("div", { className: "day new" }, "New"));
    }
    if (options.thread && index === 1 && replying) nodes.push(h("div", { className: "divided" }, count(replying, "reply", "replies")));
    const follows = followsOn(before, message) && !(options.days && dayOf(message) !== dayOf(before)) && !(options.thread && index === 1);
    const signature = JSON.stringify([message, follows, latestReply(message)?.streaming, state.votes.get(message.ts), state.me.id]);
    const old = known.get(message.ts);
    nodes.push(old?.signature === signature ? old : drawMessage(message, follows, signature, options));
  });
  root.replaceChildren(...nodes);
  rove(root);
  if (focused && root.querySelector(`[data-ts="${focused.dataset.ts}"]`) && !root.contains(document.activeElement)) {
    const again = root.querySelector(`[data-ts="${focused.dataset.ts}"]`);
    (key ? again.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? again : again).focus({ preventScroll: true });
  }
}

const when = (message) => new Date(parseFloat(message.ts) * 1000);

function dayOf(message) {
  if (!message) return "";
  const date = when(message);
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  return date.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
}

function followsOn(before, message) {
  if (!before || before.user !== message.user || before.subtype === "tombstone") return false;
  if (message.ephemeral || before.ephemeral || before.reply_count) return false;
  return parseFloat(message.ts) - parseFloat(before.ts) < GROUP_SECONDS;
}

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

function drawMessage(message, follows, signature, options) {
  const who = { ...person(message.user), ...(message.username ? { real_name: message.username } : {}) };
  who.badge = message.by_app ? "APP" : { guest: "guest", external: "external" }[role(who)];
  const time = h("time", { datetime: when(message).toISOString(), title: when(message).toLocaleString() },
    when(message).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" }));
  const body = h("div", { className: "body" }, content(message));
  const element = h("article", {
    className: `message${follows ? " follows" : ""}${message.ephemeral ? " ephemeral" : ""}`,
    "data-ts": message.ts,
    tabindex: "-1",
    "aria-label": `${who.real_name}, ${time.textContent}`,
  },
    avatar(who),
    h("div", { className: "content" },
      message.ephemeral && onlyYou(message),
      h("div", { className: "byline" },
        h("span", { className: "name" }, who.real_name), who.badge && h("span", { className: "badge" }, who.badge), time),
      body,
      message.streaming && streamNote(message),
      message.halted && h("p", { className: "stream-note" }, "This answer was stopped."),
      reactions(message),
      options.thread ? null : replies(message, options)),
    message.subtype === "tombstone" ? null : toolbar(message, body, options));
  element.signature = signature;
  return element;
}

function content(message) {
  if (message.subtype === "tombstone") return h("p", { className: "tombstone" }, message.text);
  const shown = [];
  const words = message.by_app && message.blocks && !message.markdown ? "" : message.text;
  if (words || message.streaming) {
    const text = message.markdown ? markdown(message.text) : mrkdwn(words);
    if (message.streaming) lastLine(text).append(h("span", { className: "cursor", "aria-hidden": "true" }));
    shown.push(text);
  }
  if (message.by_app && message.blocks) shown.push(renderBlocks(message.blocks, messageSurface(message)));
  if (message.edited) shown.push(h("small", { className: "muted" }, "(edited)"));
  shown.push(message.files.map(file));
  return shown;
}

// The innermost block at the end, so that the cursor stands behind the last word.
function lastLine(node) {
  const last = node.lastElementChild;
  return last && /^(P|UL|OL|LI|PRE|DIV|TABLE|TBODY|TR|TD|BLOCKQUOTE|H[1-6])$/.test(last.tagName) ? lastLine(last) : node;
}

function file(item) {
  if (item.mode === "tombstone") return h("p", { className: "file tombstone" }, "This file was deleted.");
  if (!item.mimetype.startsWith("image/")) return h("p", { className: "file" }, h("a", { href: item.view_url, download: item.name }, item.title));
  return h("figure", { className: "file" },
    h("figcaption", {}, item.title), h("img", { src: item.view_url, alt: item.alt_txt || item.title, loading: "lazy" }));
}

function messageSurface(message) {
  return {
    vote: (blockId) => state.votes.get(message.ts)?.[blockId],
    async click(element, block, value) {
      const body = { channel: message.channel, ts: message.ts, action_id: element.action_id, block_id: block.block_id, value };
      try {
        await mine("click", body);
      } catch (error) {
        toast(explain(error));
        return;
      }
      if (element.type === "feedback_buttons") {
        state.votes.set(message.ts, { ...state.votes.get(message.ts), [block.block_id]: value });
        document.dispatchEvent(new CustomEvent("redraw"));
      }
    },
  };
}

function onlyYou(message) {
  const dismiss = () => attempt(mine("delete", { channel: message.channel, ts: message.ts }));
  return h("div", { className: "only-you" }, icon("eye"), "Only visible to you",
    h("button", { type: "button", onclick: dismiss, "data-key": "dismiss" }, "Dismiss"));
}

function streamNote(message) {
  const stop = () => attempt(mine("stop", { channel: message.channel, ts: message.ts }));
  return h("div", { className: "stream-note" },
    message.text ? null : "is writing...",
    message.stream_recipient === state.me.id &&
      h("button", { type: "button", className: "button stop", onclick: stop, "data-key": "stop" }, icon("stop"), "Stop"));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { className: "reactions", role: "group", "aria-label": "Reactions" }, message.reactions.map((reaction) => {
    const own = reaction.users.includes(state.me.id);
    const names = reaction.users.map((id) => person(id).real_name).join(", ");
    return h("button", {
      type: "button",
      className: "reaction",
      "aria-pressed": String(own),
      "aria-label": `${reaction.name}, ${count(reaction.count, "person", "people")}`,
      title: `${names} reacted with :${reaction.name}:`,
      "data-key": `reaction/${reaction.name}`,
      onclick: () => attempt(toggle(message, reaction.name, own)),
    }, h("span", { "aria-hidden": "true" }, emoji(reaction.name)), String(reaction.count));
  }));
}

const toggle = (message, name, own) => mine(own ? "unreact" : "react", { channel: message.channel, ts: message.ts, name });

const latestReply = (message) => messagesOf(message.channel).get(message.latest_reply);

function replies(message, options) {
  if (!message.reply_count) return null;
  const latest = latestReply(message);
  const writing = latest?.streaming ? "is answering..." : latest && `last ${when(latest).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" })}`;
  return h("button", { type: "button", className: "replies", "data-key": "replies", onclick: () => options.openThread(message.ts) },
    h("span", { className: "avatars" }, message.reply_users.slice(0, 3).map((id) => avatar(person(id), "small"))),
    count(message.reply_count, "reply", "replies"),
    h("span", { className: "muted" }, writing));
}

function toolbar(message, body, options) {
  const buttons = [];
  if (!message.ephemeral) {
    const pick = iconButton("smile", "Add a reaction", () => react(pick, message), { "aria-haspopup": "dialog", "aria-expanded": "false", "data-key": "pick" });
    buttons.push(pick);
    if (!options.thread) {
      const root = isReply(message) ? message.thread_ts : message.ts;
      buttons.push(iconButton("reply", "Reply in thread", () => options.openThread(root), { "data-key": "reply" }));
    }
    if (message.user === state.me.id) {
      buttons.push(iconButton("pencil", "Edit", () => edit(message, body), { "data-key": "edit" }));
      buttons.push(iconButton("trash", "Delete", () => attempt(mine("delete", { channel: message.channel, ts: message.ts })), { "data-key": "delete" }));
    }
  }
  return buttons.length ? h("div", { className: "toolbar", role: "group", "aria-label": "Message actions" }, buttons) : null;
}

function react(anchor, message) {
  const own = (name) => message.reactions?.some((reaction) => reaction.name === name && reaction.users.includes(state.me.id));
  openPicker(anchor, (name) => attempt(toggle(message, name, own(name))));
}

// What a person typed, from what was sent: the reverse of the sandbox's escaping.
function asTyped(text) {
  const tokens = text.replace(/<([^>]+)>/g, (all, inside) => {
    if (inside.startsWith("@")) return `@${person(inside.slice(1)).name}`;
    return inside.startsWith("#") ? `<${inside}>` : inside.replace(/^!/, "@");
  });
  return tokens.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function edit(message, body) {
  const area = h("textarea", { className: "field", "aria-label": "Edit message", value: asTyped(message.text) });
  const before = [...body.childNodes];
  const cancel = () => body.replaceChildren(...before);
  const save = async () => {
    if (!area.value.trim()) return;
    await attempt(mine("edit", { channel: message.channel, ts: message.ts, text: area.value }));
  };
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  });
  body.replaceChildren(h("div", { className: "edit-box" }, area, h("div", { className: "row" },
    h("button", { type: "button", className: "button primary", onclick: save }, "Save"),
    h("button", { type: "button", className: "button", onclick: cancel }, "Cancel"))));
  area.focus();
}

// One tab stop for the whole list; arrow keys walk through it.
function rove(root) {
  const all = [...root.querySelectorAll(".message")];
  const current = all.find((element) => element.tabIndex === 0) ?? all.at(-1);
  for (const element of all) element.tabIndex = element === current ? 0 : -1;
}

export function walk(event) {
  const message = event.target.closest?.(".message");
  if (event.target !== message || !["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  const all = [...message.parentElement.querySelectorAll(".message")];
  const at = all.indexOf(message);
  const next = { ArrowUp: all[at - 1], ArrowDown: all[at + 1], Home: all[0], End: all.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  message.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
