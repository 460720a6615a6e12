// What a page of ours stands on, of paper: a document, LiveKit's client, the gateway, and a clock that is told. See test_pages.py.
// LiveKit's own numbers. A client that has given up by itself tells of no reason at all.
const DisconnectReason = {
  CLIENT_INITIATED: 1, DUPLICATE_IDENTITY: 2, SERVER_SHUTDOWN: 3, PARTICIPANT_REMOVED: 4, ROOM_DELETED: 5, STATE_MISMATCH: 6, JOIN_FAILURE: 7,
  SIGNAL_CLOSE: 9, ROOM_CLOSED: 10, CONNECTION_TIMEOUT: 14,
};
export const { CLIENT_INITIATED, DUPLICATE_IDENTITY, SERVER_SHUTDOWN, PARTICIPANT_REMOVED, ROOM_DELETED, SIGNAL_CLOSE, ROOM_CLOSED } = DisconnectReason;

class Element {
  constructor() {
    Object.assign(this, { hidden: false, disabled: false, checked: false, value: "", textContent: "", dataset: {}, elements: [] });
    Object.assign(this, { handlers: {}, attributes: {}, parts: {}, children: [], classList: { add() {}, remove() {} } });
  }

  addEventListener(name, handler) { this.handlers[name] = handler; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  setAttribute(name, value) { this.attributes[name] = value; }
  querySelector(selector) { return (this.parts[selector] ??= new Element()); }
  append(...parts) { this.children.push(...parts); }
  replaceChildren(...parts) { this.children = parts; }
  contains(other) { return this === other || this.children.some((part) => part.contains(other)); }
  focus() { document.activeElement = this; }
}

class Room {
  constructor() {
    Object.assign(this, { handlers: {}, canPlaybackAudio: true, remoteParticipants: new Map() });
    this.localParticipant = { connectionQuality: "unknown", publishTrack: async (track) => { this.published = track; await world.onPublish(track); } };
    world.room = this;
  }

  on(event, handler) { this.handlers[event] = handler; return this; }
  off(event) { delete this.handlers[event]; return this; }
  registerTextStreamHandler() {}
  async connect() { await world.onConnect(); }
  async startAudio() {}
  async disconnect(stopTracks = true) {
    if (stopTracks) this.published?.mediaStreamTrack.stop();
    world.left.add(this);
    this.handlers.Disconnected?.(CLIENT_INITIATED);
  }
}

class LocalAudioTrack {
  isMuted = false;
  constructor(mediaStreamTrack) { this.mediaStreamTrack = mediaStreamTrack; }
  async mute() { this.isMuted = true; }
  async unmute() { this.isMuted = false; }
}

// A microphone is open until it is stopped.
function microphone() {
  const track = { readyState: "live", stop() { this.readyState = "ended"; } };
  world.microphones.push(track);
  return { getAudioTracks: () => [track], getTracks: () => [track] };
}

// The test's own: `answer` says what the gateway answers, `asked` is what it was asked, `allow` answers who asks for a microphone.
export const world = {
  page: {}, asked: [], stopped: [], room: null, left: new Set(), microphones: [], kept: new Map(), handlers: {},
  onPublish() {}, onConnect() {}, onBody() {}, answer: () => ({}), allow: async () => microphone(),
};
const timers = new Map();
let [now, number] = [0, 0];

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
const names = (...all) => Object.fromEntries(all.map((name) => [name, name]));
define("document", {
  body: new Element(),
  activeElement: null,
  getElementById: (id) => (world.page[id] ??= new Element()),
  createElement: () => new Element(),
  querySelectorAll: () => [],
});
define("window", {
  LivekitClient: {
    Room, LocalAudioTrack, DisconnectReason,
    ConnectionQuality: { Excellent: "excellent", Good: "good", Poor: "poor", Lost: "lost", Unknown: "unknown" },
    Track: { Kind: { Audio: "audio" }, Source: { Microphone: "microphone" } },
    RoomEvent: names(
      "TrackSubscribed", "TrackUnsubscribed", "ParticipantConnected", "ParticipantDisconnected", "AudioPlaybackStatusChanged", "Disconnected",
      "ActiveSpeakersChanged", "ConnectionQualityChanged", "Reconnecting", "SignalReconnecting", "Reconnected",
    ),
  },
});
define("navigator", { mediaDevices: { getUserMedia: () => world.allow() }, sendBeacon: (path) => world.asked.push([path, {}]) });
define("sessionStorage", {
  getItem: (name) => world.kept.get(name) ?? null, setItem: (name, value) => world.kept.set(name, value), removeItem: (name) => world.kept.delete(name),
});
define("location", { search: "" });
define("CSS", { escape: (text) => text });
define("addEventListener", (name, handler) => { world.handlers[name] = handler; });
define("Option", Element);
define("setTimeout", (act, ms = 0) => { timers.set(++number, { act, at: now + ms }); return number; });
define("clearTimeout", (id) => timers.delete(id));
define("fetch", async (path, { body, signal }) => {
  signal?.throwIfAborted();
  const said = JSON.parse(body ?? "{}");
  world.asked.push([path, said]);
  const stopped = new Promise((_, fail) => signal?.addEventListener("abort", () => { world.stopped.push(path); fail(signal.reason); }));
  const { status = 200, ...told } = await Promise.race([world.answer(path, said), stopped]);
  return { ok: status < 300, status, json: async () => { await world.onBody(path); return told; } };
});

export const settled = async () => { for (let turn = 0; turn < 20; turn++) await new Promise((on) => setImmediate(on)); };

export async function passes(seconds) {
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

export async function presses(id) {
  world.page[id].handlers.click();
  await settled();
}

// Steps are names of what `happens`, and seconds that pass.
export async function goesThrough(steps, happens) {
  world.asked.length = 0;
  for (const step of steps) {
    await (step in happens ? happens[step]() : passes(Number(step)));
    await settled();
  }
}

export function tell(...shown) {
  const seen = Object.fromEntries(shown.map((id) => [id, document.getElementById(id).textContent]));
  console.log(JSON.stringify({ asked: world.asked, state: document.body.dataset.state, ...seen }));
}
