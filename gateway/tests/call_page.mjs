// A caller at the call page, and what he does: node call_page.mjs FOLDER STEP...
import { ROOM_CLOSED, goesThrough, presses, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
const door = { call_id: "call-1", url: "ws://livekit", token: "token", service: "triage" };
world.answer = (path) => (path === "/api/calls" ? { status: 201, ...door } : { status: 204 });

await import(`${folder}/call.js`);
await settled();
await goesThrough(steps, {
  starts: () => presses("call"),
  mutes: () => presses("mute"),
  hangs_up: () => presses("hangup"),
  agent_hangs_up: () => world.room.handlers.Disconnected(ROOM_CLOSED),
  microphone_fails: () => { world.onPublish = () => { throw Object.assign(new Error("in use"), { name: "NotReadableError" }); }; },
});
tell("status", "mute", "trouble");
