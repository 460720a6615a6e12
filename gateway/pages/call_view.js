// What a caller sees of his call, and what a screen reader tells him of it.
import { Captions } from "./captions.js";

const SERVICES = {
  triage: "Front desk", billing: "Billing specialist", technical: "Technical specialist",
  sales: "Sales specialist", escalation: "Customer care", human: "A colleague of ours",
};
const HUMAN = "human";
const NOT_WRITTEN = "What you and our colleague say is not written down.";
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const SPEAKS_AGAIN_MS = 400;

export const at = (id) => document.getElementById(id);
export const captions = new Captions(at("captions"), nameOf);
let owner = "";
let quietTimer = 0;

const serviceOf = (identity) => identity.split("-", 1)[0];

function nameOf(identity) {
  return SERVICES[serviceOf(identity)] ?? "Our agent";
}

// A screen reader says again whatever is written again.
function write(id, words) {
  if (at(id).textContent !== words) at(id).textContent = words;
}

export function show(state, words) {
  document.body.dataset.state = state;
  write("status", words);
  const talks = state === "talking" || state === "reconnecting";
  at("call").hidden = talks || state === "connecting";
  at("hangup").hidden = !at("call").hidden;
  for (const id of ["line", "mute", "keys"]) at(id).hidden = !talks;
  if (!talks) openKeypad(false);
  if (state !== "talking") showQuality();
}

// Nobody is on the line any more. The button that was pressed is hidden, or has been: the keyboard goes on with the one that is there.
export function rest(state, words) {
  silence();
  owner = "";
  at("sound").hidden = true;
  write("news", "");
  show(state, words);
  at("call").focus();
}

export function tell(trouble) {
  at("trouble").textContent = trouble;
  at("trouble").hidden = !trouble;
}

export function showMuted(muted) {
  at("mute").setAttribute("aria-pressed", String(muted));
  at("mute").textContent = muted ? "Muted" : "Mute";
}

export function showQuality(quality) {
  const { ConnectionQuality } = window.LivekitClient;
  const words = {
    [ConnectionQuality.Excellent]: "Good connection", [ConnectionQuality.Good]: "Good connection",
    [ConnectionQuality.Poor]: "Your connection is weak.", [ConnectionQuality.Lost]: "Your connection is lost.",
  };
  write("quality", words[quality] ?? "");
}

export function speaks(identity) {
  clearTimeout(quietTimer);
  if (identity) {
    at("voice").classList.add("speaks");
    if (identity !== owner) handedOver(identity);
    return;
  }
  quietTimer = setTimeout(() => at("voice").classList.remove("speaks"), SPEAKS_AGAIN_MS);
}

export function handedOver(identity) {
  const before = owner;
  owner = identity;
  write("name", nameOf(identity));
  if (before && nameOf(before) !== nameOf(identity)) captions.note(`You are now talking to: ${nameOf(identity)}`);
  // Nobody listens in on a human: captions that just stop would look like a fault.
  const isHuman = serviceOf(identity) === HUMAN;
  if (isHuman && serviceOf(before) !== HUMAN) captions.note(NOT_WRITTEN);
  write("news", isHuman ? NOT_WRITTEN : "");
}

export function silence() {
  clearTimeout(quietTimer);
  at("voice").classList.remove("speaks");
  document.querySelectorAll("audio").forEach((element) => element.remove());
}

export function openKeypad(isOpen) {
  at("keypad").hidden = !isOpen;
  at("keys").setAttribute("aria-expanded", String(isOpen));
}

export function fillKeypad(press) {
  for (const key of KEYS) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: key });
    button.setAttribute("aria-label", { "*": "star", "#": "hash" }[key] ?? key);
    button.addEventListener("click", () => press(key));
    at("keypad").append(button);
  }
}
