// What the page knows. Changes are announced by name, so that each part redraws only itself.

import { act, get, listen, see } from "./api.js";

export const state = {
  workspace: null,
  me: null,
  channels: [],
  channel: null,
  tab: "messages",
  thread: null,
  messages: new Map(),
  statuses: new Map(),
  prompts: null,
  views: [],
  home: null,
  sockets: 0,
  lost: false,
  votes: new Map(),
  newSince: null,
};

const bus = new EventTarget();
let stopListening = () => {};

export const on = (name, listener) => bus.addEventListener(name, (event) => listener(event.detail));

export const changed = (name, detail) => bus.dispatchEvent(new CustomEvent(name, { detail }));

export const mine = (name, body) => act(state.me.id, name, body);

export function person(id) {
  if (id === state.workspace.bot.id) return state.workspace.bot;
  return state.workspace.people.find((one) => one.id === id) ?? { id, name: id, real_name: id, color: "64748b" };
}

export function role(one) {
  if (one.is_admin) return "admin";
  if (one.is_restricted) return "guest";
  return !one.team_id || one.team_id === state.workspace.team.id ? "" : "external";
}

export const channelById = (id) => state.channels.find((channel) => channel.id === id);

export const directChannel = () => state.channels.find((channel) => channel.kind === "im");

export function messagesOf(channel) {
  if (!state.messages.has(channel)) state.messages.set(channel, new Map());
  return state.messages.get(channel);
}

// A reply is shown in its thread, not in the channel.
export const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

const inOrder = (messages) => messages.sort((a, b) => a.ts.localeCompare(b.ts));

export const topLevel = (channel) => inOrder([...messagesOf(channel).values()].filter((m) => !isReply(m)));

export const threadOf = (channel, ts) =>
  inOrder([...messagesOf(channel).values()].filter((m) => m.ts === ts || m.thread_ts === ts));

export async function loadWorkspace() {
  state.workspace = await get("/sandbox/workspace");
  state.sockets = state.workspace.sockets;
}

// What arrives while all is read anew waits for that: what was read may be older.
let reading = 0;
const waiting = [];
let viewsAsked = 0;

export async function becomePerson(id) {
  stopListening();
  waiting.length = 0;
  state.me = person(id);
  state.thread = null;
  state.messages.clear();
  state.statuses.clear();
  const { channels } = await see(id, "channels");
  if (state.me.id !== id) return; // somebody else was chosen meanwhile
  state.channels = channels;
  if (!channelById(state.channel)) state.channel = state.channels[0].id;
  await reload(false);
  if (state.me.id === id) stopListening = listen(id, applyUpdate, () => reload().catch(gone), gone);
}

const gone = () => lose(true);

function lose(lost) {
  if (state.lost === lost) return;
  state.lost = lost;
  changed("places");
}

// The whole of what this person sees. Again once the updates come, also after a lost connection: then what is new came
// while nobody listened, and has arrived now.
async function reload(again = true) {
  const me = state.me.id;
  reading += 1;
  lose(false);
  try {
    const seen = await Promise.all(state.channels.map((channel) => see(me, "messages", { channel: channel.id })));
    await Promise.all([loadWorkspace(), loadViews()]);
    const { view } = await see(me, "home");
    if (me !== state.me.id) return;
    state.home = view;
    const news = state.channels.flatMap((channel, index) => keepChannel(channel.id, seen[index]));
    if (again) news.forEach(([name, message]) => changed(name, message));
    ["places", "messages", "views", "home", "status"].forEach((name) => changed(name));
  } finally {
    reading -= 1;
    if (!reading) waiting.splice(0).forEach(apply);
  }
}

async function loadViews() {
  const me = state.me.id;
  const asked = ++viewsAsked;
  const { views } = await see(me, "views");
  if (asked === viewsAsked && me === state.me.id) state.views = views;
}

// What has happened to a message that is known by now as `before`.
const turn = (before, message) => (!before ? "arrival" : before.streaming && !message.streaming ? "finished" : null);

function keepChannel(id, seen) {
  const before = messagesOf(id);
  state.messages.set(id, new Map(seen.messages.map((message) => [message.ts, message])));
  seen.statuses.forEach(keepStatus);
  if (seen.prompts) state.prompts = seen.prompts;
  return seen.messages.map((message) => [turn(before.get(message.ts), message), message]).filter(([name]) => name);
}

function keepStatus(status) {
  const key = `${status.channel}/${status.thread_ts}`;
  if (status.status) state.statuses.set(key, { ...status, until: Date.now() + status.seconds * 1000 });
  else state.statuses.delete(key);
}

const APPLY = {
  message(update) {
    const name = turn(messagesOf(update.channel).get(update.message.ts), update.message);
    messagesOf(update.channel).set(update.message.ts, update.message);
    if (name) changed(name, update.message);
    changed("messages");
  },
  removed(update) {
    messagesOf(update.channel).delete(update.ts);
    changed("messages");
  },
  status(update) {
    keepStatus(update);
    changed("status");
  },
  prompts(update) {
    state.prompts = update.prompts;
    changed("messages");
  },
  async views() {
    await loadViews();
    changed("views");
  },
  async home() {
    state.home = (await see(state.me.id, "home")).view;
    changed("home");
  },
  sockets(update) {
    state.sockets = update.sockets;
    changed("places");
  },
  traffic: () => changed("traffic"),
  faults: () => changed("faults"),
};

function applyUpdate(update) {
  if (reading) waiting.push(update);
  else apply(update);
}

const apply = (update) => Promise.resolve(APPLY[update.kind]?.(update)).catch(gone);

// Unread marks belong to this browser: the newest ts that each person has looked at.
const seenKey = (channel) => `seen/${state.me.id}/${channel}`;

export const seenUntil = (channel) => localStorage.getItem(seenKey(channel)) ?? "0";

export function unreadIn(channel) {
  const seen = seenUntil(channel);
  return [...messagesOf(channel).values()].filter((m) => m.ts > seen && m.user !== state.me.id && m.subtype !== "tombstone").length;
}

export function markSeen(channel) {
  const newest = [...messagesOf(channel).keys()].sort().at(-1);
  if (newest && newest > seenUntil(channel)) localStorage.setItem(seenKey(channel), newest);
}
