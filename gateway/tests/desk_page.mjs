// A human of the desk who talks with a caller, and what happens then: node desk_page.mjs FOLDER STEP...
import { ROOM_CLOSED, SIGNAL_CLOSE, goesThrough, passes, presses, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
const { DisconnectReason, LocalAudioTrack } = window.LivekitClient;
DisconnectReason.DUPLICATE_IDENTITY = 2;
LocalAudioTrack.prototype.mute = async () => { world.asked.push(["microphone shut", {}]); };
LocalAudioTrack.prototype.unmute = async () => { world.asked.push(["microphone open", {}]); };
const BRIEFING = { about: "billing", summary: "", facts: [], services: [], channel: "web", wants_besides: [], done: [], tried: [], turns: [] };
let [standing, refuses, refusal] = ["coming", "", { status: 503, error: { code: "try_again", message: "not now" } }];
let queue = [{ handoff_id: "d1", about: "billing", mood: "neutral", getting_worse: false, waits_seconds: 3 }];

world.answer = (path, { seat }) => {
  const what = path.split("/").at(-1);
  if (what === refuses) return refusal;
  if (what === "who") return { name: "Anna" };
  if (what === "look") return BRIEFING;
  if (what === "take") queue = [];
  if (what === "take") return { seat: "the seat" };
  if (what === "door") return { url: "ws://livekit", token: "token", services: {}, briefing: null };
  if (what === "ready") return { is_heard: true };
  if (what === "back") return { handoff_id: "b1" };
  if (what === "beat") return seat ? { standing } : { queue, callbacks: [] };
  return {};
};

const caller = { identity: "caller-1" };
await import(`${folder}/desk.js`);
await settled();
world.page.available.checked = true;
await presses("accept");
world.room.remoteParticipants.set("caller-1", caller);
standing = "floor";
await passes(2);
await goesThrough(steps, {
  caller_leaves: () => { world.room.remoteParticipants.clear(); world.room.handlers.ParticipantDisconnected(caller); },
  caller_is_back: () => { world.room.remoteParticipants.set("caller-1", caller); world.room.handlers.ParticipantConnected(caller); },
  room_is_closed: () => world.room.handlers.Disconnected(ROOM_CLOSED),
  line_is_cut: () => world.room.handlers.Disconnected(SIGNAL_CLOSE),
  copy_has_the_call: () => world.room.handlers.Disconnected(DisconnectReason.DUPLICATE_IDENTITY),
  store_is_away: () => { refuses = "end"; },
  nobody_comes: () => { [refuses, refusal] = ["back", { status: 409, error: { code: "not_taken", message: "nobody can take the call" } }]; },
  nobody_speaks: () => { [refuses, refusal] = ["pass", { status: 409, error: { code: "not_taken", message: "the call is yours again" } }]; },
  hands_back: () => {
    document.getElementById("service").value = "billing";
    document.getElementById("note").value = "Please refund it.";
    world.page["hand-back"].handlers.submit({ preventDefault() {} });
  },
});
tell("status", "trouble");
