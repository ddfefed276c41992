// The switchboard: which part redraws on which change, and where each button leads.

import { announce } from "./dom.js";
import { isOpen, openDrawer, refreshFaults, refreshTraffic } from "./drawer.js";
import { attempt } from "./messages.js";
import { drawModal } from "./modal.js";
import { buildMain, buildThread, drawMain, drawStatus, drawThread, focusComposer, mark, threadIsIdle } from "./panes.js";
import { drawSidebar } from "./sidebar.js";
import { becomePerson, channelById, directChannel, isReply, loadWorkspace, markSeen, messagesOf, mine, on, person, seenUntil, state, unreadIn } from "./state.js";

const app = document.getElementById("app");
const sidebar = document.getElementById("sidebar");
const wide = matchMedia("(min-width: 821px)");

const go = {
  places: () => view("places"),
  drawer: openDrawer,
  async place(id) {
    const fromApp = channelById(state.channel).kind === "im";
    state.newSince = unreadIn(id) && id !== state.channel ? seenUntil(id) : null;
    state.channel = id;
    state.tab = "messages";
    state.thread = null;
    redraw();
    view("channel");
    if (wide.matches) focusComposer("main");
    // The app is told when its direct message is opened, and where someone goes from there.
    if (channelById(id).kind === "im") await openDirect();
    else if (fromApp) await attempt(mine("look-at", { channel: id }));
  },
  async tab(name, keepFocus = false) {
    state.tab = name;
    state.thread = null;
    redraw();
    if (keepFocus) document.querySelector('#main [role="tab"][aria-selected="true"]').focus();
    if (name === "home") await attempt(mine("open-home"));
    else await openDirect();
  },
  thread(ts, focus = true) {
    state.thread = ts;
    buildThread(go);
    drawStatus();
    remember();
    if (focus) {
      view("thread");
      focusComposer("thread");
    }
  },
  closeThread() {
    const ts = state.thread;
    state.thread = null;
    buildThread(go);
    view("channel");
    drawStatus();
    remember();
    document.querySelector(`#main .message[data-ts="${ts}"] .replies`)?.focus();
  },
  async person(id) {
    await becomePerson(id);
    redraw();
    announce(`You now act as ${state.me.real_name}`);
  },
};

// Apps with the older assistant view talk in a thread, which opens beside the direct message.
async function openDirect() {
  const thread = (await attempt(mine("open-dm")))?.thread_ts;
  if (thread && state.thread === null && wide.matches) go.thread(thread, false);
}

const drawPlaces = () => drawSidebar(sidebar, { openPlace: go.place, actAs: go.person, openDrawer: go.drawer });

function view(name) {
  app.dataset.view = name;
}

function redraw() {
  buildMain(go);
  buildThread(go);
  looked();
  drawModal();
  remember();
}

// What is on the screen counts as seen.
function looked() {
  if (document.visibilityState === "visible") markSeen(state.channel);
  drawPlaces();
  const channel = channelById(state.channel);
  const unread = state.channels.reduce((sum, one) => sum + (one.id === state.channel ? 0 : unreadIn(one.id)), 0);
  document.title = `${unread ? `(${unread}) ` : ""}${channel.kind === "im" ? channel.name : `#${channel.name}`} - ${state.workspace.team.name}`;
}

function remember() {
  const tail = state.tab === "home" ? "/home" : state.thread ? `/${state.thread}` : "";
  history.replaceState(null, "", `?as=${state.me.name}#${state.channel}${tail}`);
}

on("messages", () => {
  drawMain(go);
  drawThread();
  looked();
});
on("status", drawStatus);
on("places", drawPlaces);
on("views", drawModal);
on("home", () => state.tab === "home" && drawMain(go));
on("traffic", refreshTraffic);
on("faults", refreshFaults);
document.addEventListener("redraw", () => {
  drawMain(go);
  drawThread();
});
document.getElementById("thread").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && state.thread) go.closeThread();
});
document.addEventListener("visibilitychange", () => state.me && looked());

on("arrival", (message) => {
  if (message.user === state.me.id) return;
  if (!message.streaming) say(message);
  const root = isReply(message) && messagesOf(message.channel).get(message.thread_ts);
  // An answer to what I have just said opens beside it, when there is room; also in place of an earlier one.
  const fresh = root && root.user === state.me.id && parseFloat(message.ts) - parseFloat(root.ts) < 60;
  const free = state.thread === null || (root && root.ts > state.thread && threadIsIdle());
  if (fresh && free && message.by_app && message.channel === state.channel && state.tab === "messages" && wide.matches && !isOpen()) {
    go.thread(root.ts, false);
  }
});
on("finished", (message) => say(message));

function say(message) {
  const where = message.channel === state.channel ? "" : ` in ${channelById(message.channel)?.name}`;
  announce(`${person(message.user).real_name}${where}: ${message.text.slice(0, 300)}`);
}

async function followAddress() {
  const [channel, tail] = location.hash.slice(1).split("/");
  if (channelById(channel)) state.channel = channel;
  if (tail === "home" && channelById(state.channel).kind === "im") state.tab = "home";
  const message = tail && messagesOf(state.channel).get(tail);
  if (message) state.thread = isReply(message) ? message.thread_ts : message.reply_count ? message.ts : null;
  if (state.thread) view("thread"); // first: what is not shown cannot be scrolled
  redraw();
  if (message) mark(tail);
  if (state.tab === "home") await attempt(mine("open-home"));
  else if (state.channel === directChannel().id) await openDirect();
}

async function start() {
  await loadWorkspace();
  const wanted = new URLSearchParams(location.search).get("as");
  const { people } = state.workspace;
  const me = people.find((one) => one.name === wanted || one.id === wanted) ?? people[0];
  const [channel] = location.hash.slice(1).split("/");
  state.channel = channel || null;
  await becomePerson(me.id);
  await followAddress();
}

start().catch(() => {
  document.querySelector("#main .loading")?.replaceChildren("The sandbox does not answer. Is it running? Then load this page again.");
});
