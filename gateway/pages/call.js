// The call page: one button, one call. What the caller hears is LiveKit's business; what he sees is decided here.
import { Captions } from "./captions.js";
import { troubleWith } from "./troubles.js";

const { Room, RoomEvent, Track, ConnectionQuality, DisconnectReason } = window.LivekitClient ?? {};
const SERVICES = {
  triage: "Front desk", billing: "Billing specialist", technical: "Technical specialist",
  sales: "Sales specialist", escalation: "Customer care", human: "A colleague of ours",
};
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const KEY_CODES = { "*": 10, "#": 11 };
const SPEAKS_AGAIN_MS = 400;

const at = (id) => document.getElementById(id);
const captions = new Captions(at("captions"), nameOf);
let room = null;
let microphone = null;
let owner = "";
let quietTimer = 0;

// One who has left in mid-word stays among the active speakers for a while.
const isAgentHere = (one) => one !== room?.localParticipant && room?.remoteParticipants.has(one.identity);

function nameOf(identity) {
  return SERVICES[identity.split("-", 1)[0]] ?? "Our agent";
}

// --- what is seen --------------------------------------------------------------------------------------------------
function show(state, words) {
  document.body.dataset.state = state;
  at("status").textContent = words;
  const talks = state === "talking" || state === "reconnecting";
  at("call").hidden = talks || state === "connecting";
  at("hangup").hidden = !(talks || state === "connecting");
  for (const id of ["line", "mute", "keys"]) at(id).hidden = !talks;
  if (!talks) at("keypad").hidden = true;
}

function tell(trouble) {
  at("trouble").textContent = trouble;
  at("trouble").hidden = !trouble;
}

function muteIs(muted) {
  at("mute").setAttribute("aria-pressed", String(muted));
  at("mute").textContent = muted ? "Muted" : "Mute";
}

function speaks(identity) {
  clearTimeout(quietTimer);
  if (identity) {
    at("voice").classList.add("speaks");
    if (identity !== owner) handedOver(identity);
    return;
  }
  quietTimer = setTimeout(() => at("voice").classList.remove("speaks"), SPEAKS_AGAIN_MS);
}

function handedOver(identity) {
  const before = owner;
  owner = identity;
  at("who").textContent = nameOf(identity);
  if (before && nameOf(before) !== nameOf(identity)) captions.note(`You are now talking to: ${nameOf(identity)}`);
}

// --- the line ------------------------------------------------------------------------------------------------------
async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST", credentials: "same-origin", headers: { "content-type": "application/json" },
    body: body ? JSON.stringify(body) : undefined,
  });
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.error?.message ?? "no answer"), { code: told.error?.code ?? answer.status });
  return told;
}

async function start() {
  at("call").disabled = true;
  tell("");
  try {
    show("connecting", "Your browser may ask for your microphone: please allow it.");
    await listen();
    const service = new URLSearchParams(location.search).get("service");
    captions.clear();
    await join(await ask("/api/calls", service ? { service } : null));
  } catch (error) {
    await giveUp();
    show("idle", "The call did not begin.");
    tell(troubleWith(error));
  } finally {
    at("call").disabled = false;
  }
}

async function listen() {
  microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
}

function listenNoMore() {
  microphone?.getTracks().forEach((track) => track.stop());
  microphone = null;
}

async function join(door) {
  show("connecting", "Connecting you.");
  // A page that is loaded again must not hang up: the call is kept for it. One that is closed says so, see pagehide.
  room = new Room({ adaptiveStream: false, dynacast: false, disconnectOnPageLeave: false });
  captions.follow(room);
  room
    .on(RoomEvent.TrackSubscribed, (track) => track.kind === Track.Kind.Audio && document.body.append(track.attach()))
    .on(RoomEvent.TrackUnsubscribed, (track) => track.detach().forEach((element) => element.remove()))
    .on(RoomEvent.ActiveSpeakersChanged, (speakers) => speaks(speakers.find(isAgentHere)?.identity))
    .on(RoomEvent.ConnectionQualityChanged, (quality, who) => who === room?.localParticipant && told(quality))
    .on(RoomEvent.AudioPlaybackStatusChanged, () => { at("sound").hidden = !room || room.canPlaybackAudio; })
    .on(RoomEvent.Reconnecting, () => show("reconnecting", "The connection is gone. Your call is kept while we bring it back."))
    .on(RoomEvent.SignalReconnecting, () => show("reconnecting", "The connection is weak. Your call goes on."))
    .on(RoomEvent.Reconnected, () => show("talking", "Connected again. Go on speaking."))
    .on(RoomEvent.Disconnected, ended);
  await room.connect(door.url, door.token);
  await room.localParticipant.publishTrack(microphone.getAudioTracks()[0], { source: Track.Source.Microphone });
  await room.startAudio().catch(() => undefined);
  at("sound").hidden = room.canPlaybackAudio;
  muteIs(false);
  handedOver(`${door.service}-`);
  show("talking", "You are connected. Speak whenever you like.");
  at("hangup").focus();
}

function told(quality) {
  const words = { [ConnectionQuality.Poor]: "Your connection is weak.", [ConnectionQuality.Lost]: "Your connection is lost." };
  at("quality").textContent = words[quality] ?? "";
}

async function leave() {
  const left = room;
  room = null;
  listenNoMore();
  await left?.disconnect();
}

// A call that did not begin has not ended either: what went wrong stays to be read, and a page that is loaded again may try once more.
async function giveUp() {
  room?.off(RoomEvent.Disconnected, ended);
  await leave();
  silence();
}

function silence() {
  at("voice").classList.remove("speaks");
  document.querySelectorAll("audio").forEach((element) => element.remove());
}

async function ended(reason) {
  const wasOurs = room !== null;
  room = null;
  owner = "";
  listenNoMore();
  silence();
  if (reason === DisconnectReason.DUPLICATE_IDENTITY) {
    show("idle", "Your call goes on in another tab or window.");
    return;
  }
  await ask("/api/calls/over").catch(() => undefined);
  show("ended", wasOurs && reason !== DisconnectReason.CLIENT_INITIATED ? "The call has ended. Thank you." : "You have hung up.");
  at("call").textContent = "Call again";
  at("call").focus();
}

async function mute() {
  const muted = at("mute").getAttribute("aria-pressed") !== "true";
  await room?.localParticipant.setMicrophoneEnabled(!muted);
  muteIs(muted);
}

function press(key) {
  room?.localParticipant.publishDtmf(KEY_CODES[key] ?? Number(key), key);
}

// --- the page ------------------------------------------------------------------------------------------------------
for (const key of KEYS) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: key });
  button.setAttribute("aria-label", { "*": "star", "#": "hash" }[key] ?? key);
  button.addEventListener("click", () => press(key));
  at("keypad").append(button);
}
// Closed or loaded again: the page cannot tell. Who does not come back is missed sooner than his browser would be.
addEventListener("pagehide", () => room && navigator.sendBeacon("/api/calls/left"));
at("call").addEventListener("click", start);
at("hangup").addEventListener("click", leave);
at("mute").addEventListener("click", mute);
at("sound").addEventListener("click", () => room?.startAudio());
at("keys").addEventListener("click", () => {
  at("keypad").hidden = !at("keypad").hidden;
  at("keys").setAttribute("aria-expanded", String(!at("keypad").hidden));
});

async function goOn() {
  const door = await ask("/api/calls/again").catch(() => null);
  if (!door) return;
  try {
    show("connecting", "Your call still goes on: connecting you again.");
    await listen();
    await join(door);
  } catch (error) {
    await giveUp();
    show("idle", "Your call could not be taken up again.");
    tell(troubleWith(error));
  }
}

if (Room) goOn();
else tell("LiveKit's client could not be loaded. Whoever runs this page installs it with `make web`.");
