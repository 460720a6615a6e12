// What the call page asks of its gateway, and what it remembers when it is loaded again.
const ANSWER_MS = 10_000;
const HUNG_UP = "voicemesh-hung-up";
let parting = Promise.resolve();

// A browser may forbid all storage: then nothing is remembered, and a call is a call all the same.
export function recall(name) {
  try { return sessionStorage.getItem(name); } catch { return null; }
}

export function remember(name, value) {
  try { if (value) sessionStorage.setItem(name, value); else sessionStorage.removeItem(name); } catch { /* see above */ }
}

// `over`, a signal, ends the asking; `outlives`: it is asked though the page be closed meanwhile.
export async function ask(path, { body, over, outlives = false } = {}) {
  const answer = await within(ANSWER_MS, over, (signal) => fetch(path, {
    method: "POST", credentials: "same-origin", headers: { "content-type": "application/json" },
    body: body ? JSON.stringify(body) : undefined, keepalive: outlives, signal,
  })).catch((error) => { throw Object.assign(new Error("no answer", { cause: error }), { code: "no_answer" }); });
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.error?.message ?? "no answer"), { code: told.error?.code ?? answer.status });
  return told;
}

async function within(ms, over, act) {
  const patience = new AbortController();
  const stop = () => patience.abort();
  const timer = setTimeout(stop, ms);
  if (over?.aborted) stop();
  over?.addEventListener("abort", stop);
  try {
    return await act(patience.signal);
  } finally {
    clearTimeout(timer);
    over?.removeEventListener("abort", stop);
  }
}

// The call is over for this browser. Where the gateway cannot be told now it is told later: a page that is loaded again takes nothing up that was hung up.
export function leaveCall() {
  remember(HUNG_UP, "yes");
  parting = ask("/api/calls/over", { outlives: true }).then(() => remember(HUNG_UP, ""), () => undefined);
}

export const isToBeLeft = () => recall(HUNG_UP) !== null;

// A new call and the parting from the last one go by the same cookie: one after the other.
export async function lastCallIsLeft() {
  await parting;
  remember(HUNG_UP, "");
}
