// What can go wrong before a call begins, in the caller's words: what it is, and what he can do.
const TROUBLES = {
  NotAllowedError: "Your browser does not let this page use the microphone. Allow it in the address bar (the microphone sign), then press the button again.",
  NotFoundError: "No microphone was found. Plug one in, or use a phone, then press the button again.",
  NotReadableError: "Another program is using your microphone. Close it, then press the button again.",
  SecurityError: "Your browser's settings forbid the microphone to every page. Change them, or use another browser, then press the button again.",
  AbortError: "Your microphone could not be started. Unplug it and plug it in again, or choose another one, then press the button again.",
  OverconstrainedError: "Your microphone cannot do what a call needs. Choose another one, then press the button again.",
  too_many: "There were many calls from your network just now. Please try again in a minute.",
  bad_request: "There is no such line. Please start from our main page.",
};

const NOT_HERE = "This page needs https:// (or http://localhost) to use your microphone.";

export function troubleWith(error) {
  // To a page that came over plain http browsers do not even say that there are microphones.
  if (error.name === "TypeError" && !navigator.mediaDevices?.getUserMedia) return NOT_HERE;
  return TROUBLES[error.code] ?? TROUBLES[error.name] ?? "We cannot reach our telephone system now. Please try again in a moment.";
}
