// A human of the desk who accepts call A, and what happens while her browser asks for the microphone: node desk_accepts.mjs FOLDER STEP...
import { DUPLICATE_IDENTITY, goesThrough, passes, presses, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
const waits = (handoff_id) => ({ handoff_id, about: "billing", mood: "neutral", getting_worse: false, waits_seconds: 3 });
const GONE = { status: 409, error: { code: "gone", message: "a colleague was faster" } };
let [queue, isAnswered, allows] = [[waits("A")], true, () => undefined];
const asks = new Promise((on) => { allows = () => on({ getAudioTracks: () => [{ stop() {} }] }); });
navigator.mediaDevices.getUserMedia = () => asks;

world.answer = (path, { seat, handoff_id }) => {
  const what = path.split("/").at(-1);
  if (what === "who") return { name: "Anna" };
  if (what === "beat") return seat ? { standing: "coming" } : { queue, callbacks: [] };
  if (what === "look") return { about: handoff_id, summary: "", facts: [], services: [], channel: "web", wants_besides: [], done: [], tried: [], turns: [] };
  if (what === "take") return queue.some((one) => one.handoff_id === handoff_id) ? { seat: "the seat" } : GONE;
  if (what === "door") return { url: "ws://livekit", token: "token", services: {}, briefing: null };
  if (what === "ready") return { is_heard: false };
  return {};
};

// As a browser that has not brought the next briefing yet.
const { fetch } = globalThis;
Object.defineProperty(globalThis, "fetch", {
  value: (path, asked) => (path.endsWith("/look") && !isAnswered ? new Promise(() => undefined) : fetch(path, asked)),
});

const { page } = world;
await import(`${folder}/desk.js`);
await settled();
page.available.checked = true;
await goesThrough(steps, {
  accepts: () => presses("accept"),
  allows: () => allows(),
  chooses_the_second: () => void page.queue.children[1].children[0].handlers.click(),
  answers_are_slow: () => { isAnswered = false; },
  another_waits: () => { queue.push(waits("B")); },
  colleague_takes_it: () => { queue = queue.filter((one) => one.handoff_id !== "A"); },
  copy_has_the_call: () => world.room.handlers.Disconnected(DUPLICATE_IDENTITY),
});
await passes(0);
tell("status", "trouble", "about");
