// The page: its sections, and the stream that fills them.

import { Refused, Stream, post, takeSecret } from "./api.js";
import { $, button, code, el, show, text } from "./dom.js";
import * as activity from "./activity.js";
import * as devices from "./devices.js";
import * as emulator from "./emulator.js";
import * as gateway from "./gateway.js";
import * as jobs from "./jobs.js";
import * as mappings from "./mappings.js";
import * as open from "./open.js";
import * as protocol from "./protocol.js";
import * as store from "./store.js";
import * as table from "./table.js";

const SECTIONS = { mappings, open, protocol, devices, emulator };
const HIDDEN = 30000; // ms after which a tab nobody looks at gives up its stream
const TOPICS = ["search", "gateway", "following", "kept", "drift", "server", "check", "devices", "subscriptions", "emulator"];

const started = new Set();
let stream;

function go() {
  if (!takeSecret()) return locked();
  gateway.start();
  route();
  window.addEventListener("hashchange", route);
  document.addEventListener("visibilitychange", look);
  stream = new Stream({ line, lost, refused: locked });
  stream.start();
}

function route() {
  const name = location.hash.slice(1) in SECTIONS ? location.hash.slice(1) : "mappings";
  for (const section of document.querySelectorAll("main > section")) show(section, section.id === name);
  for (const anchor of document.querySelectorAll("nav a")) {
    if (anchor.hash === `#${name}`) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  if (!started.has(name)) SECTIONS[name].start($(`#${name}`));
  started.add(name);
  store.set("section", name);
  want();
}

// want tells the stream what besides the usual is looked at.
function want() {
  const hello = store.get("hello");
  if (!hello) return;
  const wish = { stream: hello.stream, traffic: store.get("section") === "mappings", wire: started.has("protocol") };
  const same = JSON.stringify(wish);
  if (want.last === same) return;
  want.last = same;
  post("/api/stream", wish).catch(() => (want.last = ""));
}

function line(message) {
  if (message.type === "hello") hello(message);
  else if (TOPICS.includes(message.type)) store.set(message.type, message);
  else handlers[message.type]?.(message);
}

const handlers = {
  table: table.take,
  change: mappings.change,
  traffic: gateway.traffic,
  job: (message) => jobs.take(message.job),
  wire: protocol.take,
  cleared: protocol.cleared,
  event: devices.event,
  log: activity.take,
};

// hello begins a stream: all that was known is told anew.
function hello(message) {
  table.restart();
  activity.restart();
  protocol.restart();
  store.set("hello", message);
  store.set("skew", Date.parse(message.now) - Date.now());
  show($("#emulated"), message.emulated);
  show($('nav a[href="#emulator"]'), message.emulated);
  show($("#connection"), false);
  document.body.classList.remove("lost");
  want();
}

function lost(wait) {
  want.last = "";
  if (!$("#connection").hidden) return;
  $("#connection").replaceChildren(
    el("p", el("strong", "The program behind this page does not answer."), " What you see is how it was. Is ", code("upnp ui"), " still running? This page keeps trying."),
    button("renew", "Try now", () => stream.start()));
  show($("#connection"), true);
  document.body.classList.add("lost");
}

function locked() {
  stream?.stop();
  show($("nav"), false);
  text($("#where"), "");
  document.title = "upnp: locked";
  $("#main").replaceChildren(el("div", { class: "card blank" },
    el("h2", "This page needs its key"),
    el("p", "The address that ", code("upnp ui"), " opens has a key in it, a new one each time it starts, so that no other program or page can change your router."),
    el("p", "Start ", code("upnp ui"), " again, or open the whole address that it printed.")));
}

function look() {
  clearTimeout(look.timer);
  if (document.hidden) look.timer = setTimeout(() => stream.stop(), HIDDEN);
  else if (!stream.running) stream.start();
}

window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  if (event.reason instanceof Refused) locked();
  else jobs.tell(event.reason);
});

go();
