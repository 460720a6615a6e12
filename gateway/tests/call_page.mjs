// A caller at the call page, and what he does: node call_page.mjs FOLDER STEP... (with `loads` among them: the page is there from then on)
import {
  CLIENT_INITIATED, DUPLICATE_IDENTITY, PARTICIPANT_REMOVED, ROOM_CLOSED, ROOM_DELETED, SERVER_SHUTDOWN, goesThrough, presses, settled, tell, world,
} from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
const { page } = world;
const never = () => new Promise(() => undefined);
const [joined, prompts, bodies, connections] = [[], [], [], []];
let [calls, goesOn, owner, network, published] = [0, false, "triage", true, null];

const door = () => ({ call_id: `call-${calls}`, url: "ws://livekit", token: "token", service: owner });
const away = () => { throw new TypeError("Failed to fetch"); };
const fails = (name) => { world.allow = async () => { throw Object.assign(new Error(name), { name }); }; };
const lost = (reason) => world.room.handlers.Disconnected(reason);

world.answer = (path) => {
  if (!network) away();
  if (path === "/api/calls") {
    calls++;
    goesOn = true;
    return { status: 201, ...door() };
  }
  return path === "/api/calls/again" && goesOn ? { status: 200, ...door() } : { status: 204 };
};
world.onConnect = () => { if (!network) away(); joined.push(world.room); };
world.onPublish = (track) => { published = track; };
const answers = world.answer;

function refuses(path, status, code) {
  world.answer = (asked) => (asked === path ? { status, error: { code, message: "not now" } } : answers(asked));
}

function opensPrompt() {
  const { allow } = world;
  world.allow = () => new Promise((on) => prompts.push(() => on(allow())));
}

function speaks(identity) {
  const one = { identity };
  world.room.remoteParticipants.set(identity, one);
  world.room.handlers.ActiveSpeakersChanged([one]);
}

const happens = {
  has_a_call: () => { [calls, goesOn] = [1, true]; },
  billing_has_it: () => { owner = "billing"; },
  human_has_it: () => { owner = "human"; },
  was_muted: () => world.kept.set("voicemesh-muted", "call-1"),
  hung_up_unheard: () => world.kept.set("voicemesh-hung-up", "yes"),
  store_is_away: () => refuses("/api/calls/again", 503, "try_again"),
  store_is_back: () => { world.answer = answers; },
  storage_is_forbidden: () => Object.defineProperty(globalThis, "sessionStorage", { get() { throw new Error("forbidden"); } }),
  loads: async () => { await import(`${folder}/call.js`); },
  starts: () => presses("call"),
  mutes: () => presses("mute"),
  opens_keypad: () => presses("keys"),
  hangs_up: () => presses("hangup"),
  double_clicks: () => page.hangup.handlers.click({ detail: 2 }),
  agent_hangs_up: () => lost(ROOM_CLOSED),
  room_is_deleted: () => lost(ROOM_DELETED),
  is_put_out: () => lost(PARTICIPANT_REMOVED),
  server_stops: () => lost(SERVER_SHUTDOWN),
  livekit_gives_up: () => lost(undefined),
  browser_sleeps: () => { world.microphones.forEach((track) => track.stop()); lost(CLIENT_INITIATED); },
  second_tab_takes_it: () => lost(DUPLICATE_IDENTITY),
  old_seat_is_cleared: () => joined[0].handlers.Disconnected(DUPLICATE_IDENTITY),
  line_breaks: () => world.room.handlers.Reconnecting(),
  line_is_back: () => world.room.handlers.Reconnected(),
  network_goes: () => { network = false; },
  network_comes: () => { network = true; world.handlers.online(); },
  network_comes_unnoticed: () => { network = true; },
  call_is_gone: () => { goesOn = false; },
  is_closed: () => world.handlers.pagehide(),
  too_many: () => refuses("/api/calls", 429, "too_many"),
  parting_is_slow: () => { world.answer = (path) => (path === "/api/calls/over" ? never() : answers(path)); },
  gateway_is_slow: () => { world.answer = (path) => (path === "/api/calls" ? never() : answers(path)); },
  call_is_looked_up_slowly: () => { world.answer = (path) => (path === "/api/calls/again" ? never() : answers(path)); },
  answers_come_in_pieces: () => { world.onBody = () => new Promise((on) => bodies.push(on)); },
  last_piece_comes: () => bodies.splice(0).forEach((on) => on()),
  livekit_is_slow: () => { world.onConnect = () => new Promise((on) => connections.push(on)); },
  livekit_answers: () => connections.splice(0).forEach((on) => on()),
  livekit_is_away: () => { world.onConnect = away; },
  publishing_is_slow: () => { world.onPublish = (track) => { published = track; return never(); }; },
  prompt_is_open: opensPrompt,
  allows: () => prompts.splice(0).forEach((answer) => answer()),
  publishing_fails_once: () => {
    world.onPublish = () => { world.onPublish = (track) => { published = track; }; throw new Error("timed out"); };
  },
  no_https: () => { delete navigator.mediaDevices; },
  microphone_fails: () => fails("NotReadableError"),
  triage_speaks: () => speaks("triage-1"),
  billing_speaks: () => speaks("billing-1"),
  human_speaks: () => speaks("human-1"),
  second_human_speaks: () => speaks("human-2"),
  ...Object.fromEntries(["excellent", "good", "poor", "lost"].map((quality) => [`is_${quality}`, () => {
    const me = world.room.localParticipant;
    me.connectionQuality = quality;
    world.room.handlers.ConnectionQualityChanged(quality, me);
  }])),
  ...Object.fromEntries(["NotAllowedError", "NotFoundError", "SecurityError", "AbortError", "OverconstrainedError"].map((name) => [name, () => fails(name)])),
};

if (!steps.includes("loads")) await happens.loads();
await settled();
await goesThrough(steps, happens);
page.notes = { textContent: page.captions.children.map((line) => line.textContent).join(" | ") };
page.focused = { textContent: Object.keys(page).find((id) => page[id] === document.activeElement) ?? "" };
page.expanded = { textContent: document.getElementById("keys").getAttribute("aria-expanded") ?? "" };
page.shown = { textContent: ["call", "hangup", "mute", "keys", "keypad", "sound"].filter((id) => !document.getElementById(id).hidden).join(" ") };
page.open = { textContent: String(world.microphones.filter((track) => track.readyState === "live").length) };
page.stopped = { textContent: world.stopped.join(" ") };
page.left = { textContent: String(world.left.size) };
page.joined = { textContent: String(joined.length) };
page.published = { textContent: published ? (published.isMuted ? "muted" : "open") : "" };
tell("status", "mute", "trouble", "name", "quality", "news", "notes", "focused", "expanded", "shown", "open", "joined", "left", "published", "stopped");
