// A tab that was duplicated in the middle of a call, the new one of the two: node desk_copy.mjs FOLDER STEP...
import { goesThrough, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
sessionStorage.getItem = () => "the seat";

world.answer = (path) => {
  const what = path.split("/").at(-1);
  if (what === "who") return { name: "Anna" };
  if (what === "door") return { url: "ws://livekit", token: "token", services: {}, briefing: null };
  if (what === "ready") return { status: 409, error: { code: "gone", message: "the caller waits no longer" } }; // she speaks long since
  if (what === "beat") return { standing: "floor" };
  return {};
};

await import(`${folder}/desk.js`);
await settled();
world.room.remoteParticipants.set("caller-1", { identity: "caller-1" });
await goesThrough(steps, {});
tell("status", "trouble");
