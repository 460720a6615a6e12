// The call page: one button, one call. What the caller hears is LiveKit's business; what becomes of his call is decided here.
import { ask, isToBeLeft, lastCallIsLeft, leaveCall } from "./call_gateway.js";
import { Line, isPossible } from "./call_line.js";
import { at, captions, fillKeypad, handedOver, openKeypad, rest, show, showMuted, showQuality, silence, speaks, tell } from "./call_view.js";
import { troubleWith } from "./troubles.js";

const { DisconnectReason } = window.LivekitClient ?? {};
const BACK = "Connected again. Go on speaking.";
let line = null;

function begin(words) {
  tell("");
  show("connecting", words);
  line = new Line({
    onRoom: (room) => captions.follow(room),
    onSpeaker: speaks,
    onQuality: showQuality,
    onSound: (plays) => { at("sound").hidden = plays; },
    onBreak: (why) => show("reconnecting", why),
    onBack: (quality) => { show("talking", BACK); showQuality(quality); },
    onLost: lost,
  });
  return line;
}

async function start() {
  if (line && !line.isOver) return;
  const mine = begin("Your browser may ask for your microphone: please allow it.");
  let isAsked = false;
  try {
    await mine.listen();
    show("connecting", "Connecting you.");
    await lastCallIsLeft();
    captions.clear();
    isAsked = true;
    const service = new URLSearchParams(location.search).get("service");
    await mine.join(await ask("/api/calls", { body: service ? { service } : null, over: mine.over }));
    connected("You are connected. Speak whenever you like.");
    at("hangup").focus();
  } catch (error) {
    if (mine.isOver) return;
    // Else a page that is loaded again would call by itself.
    if (isAsked) leaveCall();
    failed("The call did not begin.", error);
  }
}

function connected(words) {
  showMuted(line.isMuted);
  show("talking", words);
  showQuality(line.room.localParticipant.connectionQuality);
  handedOver(`${line.door.service}-`);
}

// What went wrong stays to be read.
function failed(words, error) {
  line.close().catch(() => undefined);
  rest("idle", words);
  tell(troubleWith(error));
}

function finish(words) {
  line.close().catch(() => undefined);
  leaveCall();
  rest("ended", words);
  at("call").textContent = "Call again";
}

function hangUp(click) {
  // The second half of a double click on the button that was here before.
  if (click?.detail > 1 || !line || line.isOver) return;
  finish("You have hung up.");
}

// --- a line that is lost ---------------------------------------------------------------------------------------------
function lost(reason) {
  const { DUPLICATE_IDENTITY, PARTICIPANT_REMOVED, ROOM_CLOSED, ROOM_DELETED } = DisconnectReason;
  if (reason === DUPLICATE_IDENTITY) {
    line.close().catch(() => undefined);
    rest("idle", "Your call goes on in another tab or window.");
  } else if ([PARTICIPANT_REMOVED, ROOM_CLOSED, ROOM_DELETED].includes(reason)) {
    finish("The call has ended. Thank you.");
  } else {
    // LiveKit has given up, was restarted, or left by itself because the browser put the page to sleep. Whether there is a call yet the gateway knows.
    silence();
    show("reconnecting", "The connection is lost. We are trying to bring your call back.");
    goOn(BACK);
  }
}

async function goOn(words, door) {
  const mine = line;
  try {
    if (!(await mine.takeUp(door))) return finish("Your call has ended meanwhile. Thank you.");
    connected(words);
  } catch (error) {
    if (!mine.isOver) failed("Your call could not be taken up again.", error);
  }
}

async function loadedAgain() {
  if (isToBeLeft()) return leaveCall();
  let door;
  try {
    door = await ask("/api/calls/again");
  } catch (error) {
    if (error.code !== "try_again") return; // else there was a call, and it may go on
  }
  if (door === null || line) return;
  begin("Your call still goes on: connecting you again.");
  await goOn("You are connected again. Go on speaking.", door);
  if (!line.isOver) at("hangup").focus();
}

// --- the page ------------------------------------------------------------------------------------------------------
fillKeypad((key) => line.press(key));
// Closed or loaded again: the page cannot tell. Who does not come back is missed sooner than his browser would be.
addEventListener("pagehide", () => line?.door && !line.isOver && navigator.sendBeacon("/api/calls/left"));
addEventListener("online", () => {
  line?.wake();
  if (isToBeLeft()) leaveCall();
});
at("call").addEventListener("click", start);
at("hangup").addEventListener("click", hangUp);
at("sound").addEventListener("click", () => line.room?.startAudio());
at("keys").addEventListener("click", () => openKeypad(at("keypad").hidden));
at("mute").addEventListener("click", async () => {
  await line.mute(!line.isMuted);
  showMuted(line.isMuted);
});

if (isPossible) loadedAgain();
else tell("LiveKit's client could not be loaded. Whoever runs this page installs it with `make web`.");
