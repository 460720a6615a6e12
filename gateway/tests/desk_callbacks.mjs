// A human of the desk who is to call somebody back: node desk_callbacks.mjs FOLDER STEP...
import { goesThrough, passes, presses, settled, tell, world } from "./paper_page.mjs";

const [folder, ...steps] = process.argv.slice(2);
const CALL = { ticket_id: "CT-10001", call_id: "call-1" };
let [claimed_by, is_mine, is_due, faster, queue] = ["", false, true, false, []];

const due = () => ({ ...CALL, about: "billing", due_at: 1_750_000_600, late_seconds: 600, claimed_by, is_mine });

world.answer = (path) => {
  const what = path.split("/").at(-1);
  if (what === "who") return { name: "Anna" };
  if (what === "beat") return { queue, callbacks: is_due ? [due()] : [] };
  if (what === "callback") return { ...due(), reason: "at capacity", channel: "phone", number: "\u2022\u2022\u202242", caller: "", summary: "A summary." };
  if (what === "look") return { about: "billing", summary: "", facts: [], services: [], channel: "web", wants_besides: [], done: [], tried: [], turns: [] };
  if (what === "claim" && faster) return { status: 409, error: { code: "gone", message: "a colleague was faster" } };
  if (what === "claim") [claimed_by, is_mine] = ["Anna", true];
  if (what === "let-go") [claimed_by, is_mine] = ["", false];
  if (what === "called") is_due = false;
  return {};
};

const { page } = world;
const PARTS = ["callback", "briefing", "claim", "called", "let-go"];
for (const id of PARTS) document.getElementById(id).hidden = true; // as the page has them, or the section around them
await import(`${folder}/desk.js`);
await settled();
await passes(2);
await goesThrough(steps, {
  opens: () => page.callbacks.children[0].children[0].handlers.click(),
  claims: () => presses("claim"),
  lets_go: () => presses("let-go"),
  has_called: () => presses("called"),
  colleague_claims: () => { [claimed_by, is_mine] = ["Ben", false]; },
  colleague_is_faster: () => { faster = true; },
  is_done_elsewhere: () => { is_due = false; },
  caller_comes: () => { queue = [{ handoff_id: "d1", about: "billing", mood: "neutral", getting_worse: false, waits_seconds: 3 }]; },
});
const [first] = page.callbacks.children;
page.line = { textContent: first ? first.children[0].children.map((part) => part.textContent).join(": ") : "" };
page.shown = { textContent: PARTS.filter((id) => !document.getElementById(id).hidden).join(" ") };
page.focused = { textContent: Object.keys(page).find((id) => page[id] === document.activeElement) ?? "" };
tell("status", "trouble", "line", "shown", "focused", "callback-summary");
