// The desk's own page without a browser: a document of paper, LiveKit and the gateway as the test tells them, and a clock that is told.
// node desk_page.mjs FOLDER STEP...   prints what the gateway was asked from the first step on, and what the page shows at the end.
import { pathToFileURL } from "node:url";

const [folder, ...steps] = process.argv.slice(2);
const ROOM_CLOSED = 10;
const SIGNAL_CLOSE = 9;

class Element {
  constructor() {
    Object.assign(this, { hidden: false, disabled: false, checked: false, value: "", textContent: "", dataset: {}, elements: [] });
    Object.assign(this, { handlers: {}, attributes: {}, parts: {} });
  }

  addEventListener(name, handler) { this.handlers[name] = handler; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  setAttribute(name, value) { this.attributes[name] = value; }
  querySelector(selector) { return (this.parts[selector] ??= new Element()); }
  append() {}
  replaceChildren() {}
  focus() {}
}

class Room {
  constructor() {
    Object.assign(this, { handlers: {}, canPlaybackAudio: true, localParticipant: { publishTrack: async () => undefined } });
    this.remoteParticipants = new Map([["caller-1", { identity: "caller-1" }]]);
    room = this;
  }

  on(event, handler) { this.handlers[event] = handler; return this; }
  async connect() {}
  async startAudio() {}
  async disconnect() {}
}

class LocalAudioTrack {
  mediaStreamTrack = { stop() {} };
  async mute() {}
  async unmute() {}
}

const page = {};
const asked = [];
const timers = new Map();
let [now, number, room, standing, refuses] = [0, 0, null, "coming", ""];

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
const names = (...all) => Object.fromEntries(all.map((name) => [name, name]));
define("document", {
  body: new Element(),
  getElementById: (id) => (page[id] ??= new Element()),
  createElement: () => new Element(),
  querySelectorAll: () => [],
});
define("window", {
  LivekitClient: {
    Room, LocalAudioTrack, DisconnectReason: { ROOM_CLOSED, SIGNAL_CLOSE }, Track: { Kind: { Audio: "audio" }, Source: { Microphone: "microphone" } },
    RoomEvent: names("TrackSubscribed", "TrackUnsubscribed", "ParticipantConnected", "ParticipantDisconnected", "AudioPlaybackStatusChanged", "Disconnected"),
  },
});
define("navigator", { mediaDevices: { getUserMedia: async () => ({ getAudioTracks: () => [{}] }) } });
define("sessionStorage", { getItem: () => null, setItem() {}, removeItem() {} });
define("Option", Element);
define("setTimeout", (act, ms = 0) => { timers.set(++number, { act, at: now + ms }); return number; });
define("clearTimeout", (id) => timers.delete(id));
define("fetch", async (path, { body }) => {
  const what = path.split("/").at(-1);
  asked.push([what, JSON.parse(body)]);
  if (what === refuses) return { ok: false, status: 503, json: async () => ({ error: { code: "try_again", message: "not now" } }) };
  return { ok: true, status: 200, json: async () => answerTo(what, JSON.parse(body)) };
});

function answerTo(what, { seat }) {
  if (what === "who") return { name: "Anna" };
  if (what === "take") return { seat: "the seat" };
  if (what === "door") return { url: "ws://livekit", token: "token", services: {}, briefing: null };
  if (what === "ready") return { is_heard: true };
  if (what === "beat") return seat ? { standing } : { queue: [] };
  return {};
}

// --- what happens ----------------------------------------------------------------------------------------------------
const settled = async () => { for (let turn = 0; turn < 20; turn++) await new Promise((on) => setImmediate(on)); };

async function passes(seconds) {
  const end = now + seconds * 1000;
  for (;;) {
    const due = [...timers].filter(([, { at }]) => at <= end).sort((one, other) => one[1].at - other[1].at)[0];
    if (!due) break;
    timers.delete(due[0]);
    now = due[1].at;
    due[1].act();
    await settled();
  }
  now = end;
}

const happens = {
  caller_leaves: () => { room.remoteParticipants.clear(); room.handlers.ParticipantDisconnected({ identity: "caller-1" }); },
  caller_is_back: () => { room.remoteParticipants.set("caller-1", {}); room.handlers.ParticipantConnected({ identity: "caller-1" }); },
  room_is_closed: () => room.handlers.Disconnected(ROOM_CLOSED),
  line_is_cut: () => room.handlers.Disconnected(SIGNAL_CLOSE),
  store_is_away: () => { refuses = "end"; },
};

await import(pathToFileURL(`${folder}/desk.js`));
await settled();
page.available.checked = true;
page.accept.handlers.click();
await settled();
standing = "floor";
await passes(2);
if (document.body.dataset.state !== "talking") throw new Error(`the human does not talk: ${document.body.dataset.state}`);
asked.length = 0;
for (const step of steps) {
  if (step in happens) happens[step]();
  else await passes(Number(step));
  await settled();
}
console.log(JSON.stringify({ asked, state: document.body.dataset.state, status: page.status.textContent }));
