// The sidebar: channels, the direct message with the app, and whom to act as.

import { avatar, h, icon } from "./dom.js";
import { directChannel, role, state, unreadIn } from "./state.js";

export function drawSidebar(root, { openPlace, actAs, openDrawer }) {
  const { workspace } = state;
  const on = state.sockets > 0 && !state.lost;
  const focus = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  root.replaceChildren(
    h("div", { className: "workspace" },
      h("img", { src: "/page/icon.svg", alt: "" }),
      h("div", {}, h("h1", {}, workspace.team.name),
        h("div", { className: `connection${on ? " on" : ""}` }, connection(on)))),
    h("h2", { id: "channels-title" }, "Channels"),
    h("ul", { className: "places", "aria-labelledby": "channels-title" },
      state.channels.filter((channel) => channel.kind !== "im").map((channel) => place(channel, icon("hash"), openPlace))),
    h("h2", { id: "apps-title" }, "Apps"),
    h("ul", { className: "places", "aria-labelledby": "apps-title" }, place(directChannel(), avatar(workspace.bot, "small"), openPlace)),
    people(actAs),
    h("div", { className: "sidebar-foot" },
      h("button", { type: "button", className: "place", "data-key": "drawer", onclick: openDrawer }, icon("activity"), h("span", { className: "name" }, "Traffic and faults"))));
  if (focus) root.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
}

function connection(on) {
  if (state.lost) return "The sandbox does not answer; trying again";
  return `${state.workspace.app.name} is ${on ? "connected" : "not connected"}`;
}

function place(channel, picture, openPlace) {
  const current = channel.id === state.channel;
  const unread = current ? 0 : unreadIn(channel.id);
  return h("li", {}, h("button", {
    type: "button",
    className: `place${unread ? " unread" : ""}`,
    "aria-current": current ? "page" : null,
    "data-key": channel.id,
    onclick: () => openPlace(channel.id),
  }, picture, h("span", { className: "name" }, channel.name), channel.is_ext_shared && h("span", { className: "badge" }, "shared"),
  unread ? h("span", { className: "count" }, String(unread), h("span", { className: "visually-hidden" }, " unread")) : null));
}

function people(actAs) {
  return h("fieldset", { className: "acting" }, h("legend", {}, "Act as"), state.workspace.people.map((one) =>
    h("label", {},
      h("input", {
        type: "radio", name: "acting", className: "visually-hidden", value: one.id, checked: one.id === state.me.id,
        "data-key": `act/${one.id}`, onchange: () => actAs(one.id),
      }),
      avatar(one, "small"), h("span", { className: "name" }, one.real_name), role(one) && h("span", { className: "badge" }, role(one)))));
}
