// A human of the desk who talks with a caller, and what happens then: node desk_page.mjs FOLDER STEP...
import { ROOM_CLOSED, SIGNAL_CLOSE, goesThrough, passes, presses, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
let [standing, refuses] = ["coming", ""];

world.answer = (path, { seat }) => {
  const what = path.split("/").at(-1);
  if (what === refuses) return { status: 503, error: { code: "try_again", message: "not now" } };
  if (what === "who") return { name: "Anna" };
  if (what === "take") return { seat: "the seat" };
  if (what === "door") return { url: "ws://livekit", token: "token", services: {}, briefing: null };
  if (what === "ready") return { is_heard: true };
  if (what === "beat") return seat ? { standing } : { queue: [], callbacks: [] };
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
  store_is_away: () => { refuses = "end"; },
});
tell("status");
