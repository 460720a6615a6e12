// The desk: who waits, who is to be called back, the briefing, and one call at a time. The heartbeat (once in two seconds) is what keeps a human on duty, and a call his.
import { DeskCallbacks } from "./desk_callbacks.js";
import { DeskLine } from "./desk_line.js";
import { showBriefing, showQueue } from "./desk_views.js";
import { troubleWith } from "./troubles.js";

const IDLE_BEAT_MS = 2000;
const WAITING_BEAT_MS = 500;
const MICROPHONE_TRIES = 20;
const CALLER_BACK_MS = 5000;
const SEAT = "voicemesh-desk-seat";
const IN_BETWEEN = ["handing", "ending"];
const SILENT = ["signed-out", "elsewhere", ...IN_BETWEEN];

const at = (id) => document.getElementById(id);
const pause = (ms) => new Promise((on) => setTimeout(on, ms));
const line = new DeskLine({
  onCaller: callerChanged, onElsewhere: goesOnElsewhere, onLost: lineLost, onSound: (plays) => { at("sound").hidden = plays; },
});
const callbacks = new DeskCallbacks({
  at, ask,
  tell: (error) => tell(error ? trouble(error) : ""),
  onOpen: () => { looked = ""; brief(null); },
  onDone: () => { at("available").focus(); beating = beat(); },
});
let state = "signed-out";
let seat = sessionStorage.getItem(SEAT);
let looked = "";
let offered = ""; // whose briefing is on the page: what "Accept" accepts
let callerTimer = 0;
let beating = Promise.resolve();
let timer = 0;

// --- what is seen --------------------------------------------------------------------------------------------------
function show(next, words) {
  state = next;
  document.body.dataset.state = next;
  if (at("status").textContent !== words) at("status").textContent = words;
  const isIn = next !== "signed-out";
  const hasCall = next !== "idle" && isIn;
  at("sign-in").hidden = isIn;
  at("desk").hidden = at("me").hidden = !isIn || next === "elsewhere";
  at("accept").hidden = at("waiting").hidden = hasCall; // who has a call is not told who waits
  at("controls").hidden = !hasCall;
  at("available").disabled = at("sign-out").disabled = hasCall;
  for (const id of ["mute", "end"]) at(id).disabled = next !== "talking";
  for (const field of at("hand-back").elements) field.disabled = next !== "talking";
  if (next !== "idle") callbacks.close();
}

function tell(trouble) {
  at("trouble").textContent = trouble;
  at("trouble").hidden = !trouble;
}

function muteIs(muted) {
  at("mute").setAttribute("aria-pressed", String(muted));
  at("mute").textContent = muted ? "Muted" : "Mute";
}

function brief(told, handoffId = "") {
  offered = handoffId;
  at("said").hidden = !told;
  at("briefing").hidden = !told && !seat;
  if (told) showBriefing(told, at);
}

// --- what the gateway is asked --------------------------------------------------------------------------------------
async function ask(what, body = {}) {
  const answer = await fetch(`/api/desk/${what}`, {
    method: "POST", credentials: "same-origin", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  if (answer.status === 204) return {};
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  throw Object.assign(new Error(told.error?.message ?? "no answer"), { code: told.error?.code ?? answer.status });
}

const trouble = (error) => (typeof error.code === "string" ? error.message : troubleWith(error));

function beatAgain() {
  clearTimeout(timer);
  timer = setTimeout(() => { beating = beat().finally(beatAgain); }, state === "coming" ? WAITING_BEAT_MS : IDLE_BEAT_MS);
}

async function beat() {
  if (SILENT.includes(state)) return;
  try {
    if (seat) {
      const mine = seat;
      const told = await ask("beat", { seat: mine, open: state === "talking" });
      if (mine === seat) await stands(told.standing);
    } else {
      const told = await ask("beat", { available: at("available").checked });
      if (!seat) waiting(told); // else a call was taken meanwhile
    }
  } catch (error) {
    if (error.code === "signed_out") await signedOut();
    else if (!seat) tell(trouble(error));
  }
}

function waiting(told) {
  showQueue(told.queue, at, looked, look);
  callbacks.show(told.callbacks);
  const waits = told.queue.length === 1 ? "1 call waits." : `${told.queue.length} calls wait.`;
  const due = told.callbacks.length ? ` ${told.callbacks.length} to call back.` : "";
  show("idle", at("available").checked ? `${waits}${due}` : `${waits}${due} You take no calls now.`);
  if (callbacks.isOpen) return;
  if (!told.queue.some((one) => one.handoff_id === looked)) {
    looked = "";
    brief(null);
    if (told.queue.length) look(told.queue[0].handoff_id);
  }
}

async function look(handoffId) {
  looked = handoffId;
  callbacks.close();
  try {
    const told = await ask("look", { handoff_id: handoffId });
    if (looked === handoffId && !seat) brief(told, handoffId);
  } catch (error) {
    if (error.code !== "gone") tell(trouble(error));
  }
}

// --- a call --------------------------------------------------------------------------------------------------------
async function accept() {
  // While the browser asks for the microphone a colleague may take this call, and the page shows the next one: that one she has not accepted.
  const accepted = offered;
  at("accept").disabled = true;
  tell("");
  try {
    await line.listen();
    keep((await ask("take", { handoff_id: accepted })).seat);
    await enter();
  } catch (error) {
    await failed("The call was not taken.", error);
  } finally {
    at("accept").disabled = false;
  }
}

async function enter() {
  const mine = seat;
  show("coming", "You are on your way into the call. Your microphone is shut.");
  const door = await ask("door", { seat: mine });
  brief(door.briefing);
  at("service").replaceChildren(...Object.entries(door.services).map(([name, spoken]) => new Option(spoken, name)));
  await line.join(door);
  for (let tries = MICROPHONE_TRIES; mine === seat && !(await ask("ready", { seat: mine })).is_heard; tries--) {
    if (!tries) throw Object.assign(new Error("Your microphone did not reach the call."), { code: "not_heard" });
    await pause(WAITING_BEAT_MS / 2);
  }
  if (mine !== seat) return; // the line was lost meanwhile, and she was told
  show("coming", "The caller is told that you are here. Your microphone opens by itself.");
  beatAgain();
}

async function stands(standing) {
  if (standing === "floor" && state === "coming") {
    const mine = seat;
    await line.open();
    if (mine !== seat) return;
    muteIs(false);
    show("talking", "You are talking to the caller.");
    beating = Promise.resolve().then(beat);
    if (!line.callerIsHere) callerChanged(false);
    at("mute").focus();
  } else if (standing === "ended" || standing === "gone") {
    await over(standing === "ended" ? "The call has ended." : "The call is not yours any more: somebody else has it, or its caller waits no longer.");
  }
}

function keep(next) {
  seat = next;
  if (next) sessionStorage.setItem(SEAT, next);
  else sessionStorage.removeItem(SEAT);
}

async function over(words, { goesAway = state === "coming" } = {}) {
  clearTimeout(callerTimer);
  const mine = seat;
  keep(null);
  await line.leave();
  if (mine && goesAway) await ask("leave", { seat: mine }).catch(() => undefined);
  muteIs(false);
  at("note").value = "";
  looked = "";
  brief(null);
  show("idle", words);
}

// A tab that is duplicated takes its seat along: the copy has the call now, and whatever this one asked would be asked of that call.
async function goesOnElsewhere() {
  if (!seat || IN_BETWEEN.includes(state)) return;
  clearTimeout(callerTimer);
  keep(null);
  brief(null);
  tell("");
  show("elsewhere", "Your call goes on in another tab or window. You can close this one.");
  await line.leave();
}

async function failed(words, error) {
  if (state === "elsewhere") return; // what was under way when the call went to another tab
  await over(words);
  tell(trouble(error));
}

function callerChanged(isHere) {
  clearTimeout(callerTimer);
  // His page may be loaded again, or his network may have changed: he has a moment to come back.
  if (!isHere && state === "talking") callerTimer = setTimeout(() => end(true), CALLER_BACK_MS);
}

async function lineLost(callerIsGone) {
  if (!seat || IN_BETWEEN.includes(state)) return;
  // LiveKit may be sooner than we are to miss a caller who hung up: nobody is there to whom another agent could speak.
  if (callerIsGone && state === "talking") await end(true);
  // Put out, or cut off. Without a microphone nobody keeps a call: the next agent may have it at once.
  if (seat) await over("Your line to the call is gone.", { goesAway: true });
}

async function end(callerLeft) {
  if (!seat || state !== "talking") return;
  show("ending", "Ending the call.");
  try {
    await ask("end", { seat, caller_left: callerLeft });
    await over(callerLeft ? "The caller has hung up." : "You ended the call.");
  } catch (error) {
    if (error.code === "gone") return await over("The call has ended.");
    show("talking", "The call could not be ended.");
    tell(trouble(error));
  }
}

async function handBack() {
  const mine = seat;
  tell("");
  at("hand-back").querySelector("button").disabled = true;
  try {
    const { handoff_id } = await ask("back", { seat: mine, service: at("service").value, note: at("note").value });
    if (mine !== seat) return;
    show("handing", "The service takes over. Your microphone is shut.");
    await line.shut();
    await beating;
    await ask("pass", { seat: mine, handoff_id });
    await over("You handed the call back.");
  } catch (error) {
    if (mine !== seat) return;
    if (error.code === "gone") return await over("The call is not yours any more.");
    // The next heartbeat tells whose the call is.
    show("coming", "The call was not handed back.");
    tell(trouble(error));
    beating = beat();
  } finally {
    at("hand-back").querySelector("button").disabled = state !== "talking";
  }
}

// --- the page ------------------------------------------------------------------------------------------------------
async function signIn(event) {
  event.preventDefault();
  tell("");
  try {
    await ask("in", { name: at("name").value, secret: at("secret").value });
    at("secret").value = "";
    at("available").checked = true;
    show("idle", "You are signed in.");
    at("available").focus();
    await beat();
  } catch (error) {
    tell(trouble(error));
  }
}

async function signedOut() {
  if (seat) await over("");
  show("signed-out", "Sign in to take calls.");
}

async function signOut() {
  await ask("out").catch(() => undefined);
  await signedOut();
}

async function begin() {
  try {
    if (!(await ask("who")).name) return await signedOut();
    show("idle", "You are signed in.");
    if (!seat) return await beat();
    await line.listen();
    // Who has the floor already is not awaited any more: the next heartbeat tells.
    await enter().catch((error) => { if (error.code !== "gone" || !line.isJoined) throw error; });
  } catch (error) {
    await failed("Your call could not be taken up again.", error);
  }
}

at("sign-in").querySelector("form").addEventListener("submit", signIn);
at("sign-out").addEventListener("click", signOut);
at("accept").addEventListener("click", accept);
at("end").addEventListener("click", () => end(false));
at("sound").addEventListener("click", () => line.startAudio());
at("hand-back").addEventListener("submit", (event) => { event.preventDefault(); handBack(); });
at("available").addEventListener("change", () => { beating = beat(); });
at("mute").addEventListener("click", async () => {
  const muted = at("mute").getAttribute("aria-pressed") !== "true";
  await (muted ? line.shut() : line.open());
  muteIs(muted);
});

if (line.isPossible) begin().finally(beatAgain);
else tell("LiveKit's client could not be loaded. Whoever runs this page installs it with `make web`.");
