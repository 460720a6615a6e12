// The console: all calls as they go, from one stream of snapshots, and one of them in full. No word of a caller is asked for; whether one
// comes is decided by the server.
import { clock, draw } from "./timeline.js";

const SESSION = "/api/console/session";
const BREAKERS = { closed: "", open: "fails: not offered calls", half_open: "fails: being tried again" };
const AWAY = { worker_not_initialized: "starting", draining: "stopping", livekit_disconnected: "without LiveKit" };
const STEADY = 0.15;
const AGAIN_MS = 3000;

const at = (id) => document.getElementById(id);
const rows = new Map();
let stream = null;
let snapshot = null;
let seenAt = 0;
let shown = "";
let drawnAs = "";

function tell(trouble) {
  at("trouble").textContent = trouble;
  at("trouble").hidden = !trouble;
}

function say(words) {
  if (at("status").textContent !== words) at("status").textContent = words;
}

const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.error?.message ?? "no answer"), { status: answer.status });
  return told;
}

// --- who looks -------------------------------------------------------------------------------------------------------
async function begin() {
  try {
    const viewer = await ask(SESSION);
    at("sign-in").hidden = true;
    at("board").hidden = at("sign-out").hidden = false;
    document.body.dataset.state = viewer.may_read ? "reading" : "looking";
    say("One moment.");
    follow();
  } catch (error) {
    if (error.status === 401) return askForSecret();
    if (error.status === 404) return tell(error.message);
    tell("The gateway does not answer. It is asked again.");
    setTimeout(begin, AGAIN_MS);
  }
}

function askForSecret() {
  stream?.close();
  forget();
  document.body.dataset.state = "signed-out";
  at("board").hidden = at("sign-out").hidden = true;
  at("sign-in").hidden = false;
  say("Sign in to see the calls.");
  at("secret").focus();
}

at("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  tell("");
  try {
    await ask(SESSION, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ secret: at("secret").value }),
    });
    at("secret").value = "";
    await begin();
  } catch (error) {
    tell(error.message);
    at("secret").focus();
  }
});

at("sign-out").addEventListener("click", async () => {
  await ask(SESSION, { method: "DELETE" }).catch(() => undefined);
  askForSecret();
});

function forget() {
  for (const id of ["live", "ended", "services", "one-told", "story", "facts", "picture"]) at(id).replaceChildren();
  rows.clear();
  at("one").hidden = true;
  [snapshot, drawnAs] = [null, ""];
}

// --- the stream ------------------------------------------------------------------------------------------------------
function follow() {
  stream?.close();
  stream = new EventSource("/api/console/events");
  stream.onmessage = (event) => {
    snapshot = JSON.parse(event.data);
    seenAt = performance.now();
    tell(snapshot.store === "away" ? "The store does not answer: this is how it was." : "");
    show();
  };
  stream.onerror = () => {
    say("The connection is gone. It is tried again.");
    // A stream that was refused is not asked for again by the browser: his time is over, or too many look.
    if (stream.readyState === EventSource.CLOSED) setTimeout(begin, AGAIN_MS);
  };
}

const now = () => snapshot.at + (performance.now() - seenAt) / 1000;

function show() {
  shown = location.hash.slice(1);
  const { live, calls, ended, services } = snapshot;
  const more = live > calls.length ? `, ${calls.length} of them shown` : "";
  say(`${counted(live, "call")} on the line${more}.`);
  at("none").hidden = calls.length + ended.length > 0;
  fill(at("live"), calls, cellsOfLive);
  fill(at("ended"), ended, cellsOfEnded);
  at("services").replaceChildren(...services.map(card));
  showOne();
}

function card({ name, spoken_name, calls, breaker, places, canaries }) {
  const item = document.createElement("li");
  item.className = `of-${name}`;
  item.append(Object.assign(document.createElement("b"), { textContent: name, title: spoken_name }));
  const told = [
    [counted(calls, "call")], [placesOf(places), places && !places.free ? "bad" : ""], [awayOf(places), "quiet"],
    [canaries ? counted(canaries, "canary worker") : "", "quiet"], [BREAKERS[breaker] ?? breaker, "bad"],
  ];
  for (const [textContent, className = ""] of told) {
    if (textContent) item.append(Object.assign(document.createElement("div"), { textContent, className }));
  }
  return item;
}

function placesOf(places) {
  if (!places) return ""; // another release's workers: nothing is known
  const { workers, capacity, free } = places;
  if (!workers) return "no worker";
  const among = counted(workers, "worker");
  return free ? `${free} of ${counted(capacity, "place")} free, ${among}` : `full: ${counted(capacity, "place")} taken, ${among}`;
}

function awayOf(places) {
  return Object.entries(places?.away ?? {}).map(([why, count]) => `${counted(count, "worker")} ${AWAY[why] ?? why}`).join(", ");
}

// Rows stay where they are, so that whoever walks through them by keyboard is not thrown out.
function fill(body, calls, cellsOf) {
  const wanted = calls.map((call) => `${body.id} ${call.call_id}`);
  for (const row of [...body.children]) {
    if (wanted.includes(row.dataset.key)) continue;
    rows.delete(row.dataset.key);
    row.remove();
  }
  calls.forEach((call, index) => {
    const row = rows.get(wanted[index]) ?? newRow(wanted[index], call.call_id);
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
    cellsOf(call).forEach((text, cell) => {
      const { textContent } = row.children[cell + 1];
      if (textContent !== text) row.children[cell + 1].textContent = text;
    });
    row.children[1].className = `of-${call.service}`;
    row.querySelector("button").setAttribute("aria-pressed", String(call.call_id === shown));
  });
}

function newRow(key, callId) {
  const row = document.createElement("tr");
  row.dataset.key = key;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: callId });
  button.addEventListener("click", () => { location.hash = callId === shown ? "" : callId; });
  const first = document.createElement("td");
  first.append(button);
  row.append(first, ...Array.from({ length: 7 }, () => document.createElement("td")));
  rows.set(key, row);
  return row;
}

function cellsOfLive(call) {
  if (call.unreadable) return ["?", "", "", "of another release", "", "", ""];
  const holder = call.is_held ? call.agent_id + (call.is_recovered ? " (took over)" : "") : "nobody now";
  return [
    call.service || "nobody yet", clock(now() - call.started_at), moodOf(call), call.intent, String(call.handoffs), holder, String(call.epoch),
  ];
}

function cellsOfEnded(call) {
  const lasted = call.started_at ? clock(call.ended_at - call.started_at) : "";
  return [call.service, lasted, "", call.ending.replaceAll("_", " "), String(call.handoffs), "", ""];
}

function moodOf({ mood, trend }) {
  if (trend > STEADY) return `${mood} ↗ better`;
  return trend < -STEADY ? `${mood} ↘ worse` : mood;
}

// --- one call --------------------------------------------------------------------------------------------------------
async function showOne() {
  if (!shown) {
    at("one").hidden = true;
    drawnAs = "";
    return;
  }
  const row = [...snapshot.calls, ...snapshot.ended].find((call) => call.call_id === shown);
  const looks = JSON.stringify([shown, row ?? null]);
  if (looks === drawnAs) return;
  drawnAs = looks;
  const wanted = shown;
  try {
    const call = await ask(`/api/console/calls/${encodeURIComponent(wanted)}`);
    if (wanted !== shown || !snapshot) return;  // another one meanwhile, or signed out
    draw(call);
    at("one").hidden = false;
  } catch (error) {
    drawnAs = "";  // asked for again with the next snapshot
    if (error.status === 401) askForSecret();
    else tell(error.message);
  }
}

addEventListener("hashchange", () => { if (snapshot) show(); });
setInterval(() => { if (snapshot) fill(at("live"), snapshot.calls, cellsOfLive); }, 1000);
begin();
