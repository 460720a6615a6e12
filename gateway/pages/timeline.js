// One call as a picture and as a list that says the same: who spoke when, how it changed hands, what was tried, how it ended.
const WIDTH = 1000;
const LEFT = 96;
const LANE = 46;
const TOP = 14;
const LOST = ["declined", "withdrawn", "expired", "superseded"];

const at = (id) => document.getElementById(id);

export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const spelled = (code) => code.replaceAll("_", " ");

export function draw(call) {
  const began = Math.min(call.started_at, ...call.turns.map((turn) => turn.at - turn.seconds));
  const over = call.ended_at ?? Math.max(call.at, began + 1);
  const picture = new Picture(lanesOf(call), (moment) => LEFT + ((moment - began) / Math.max(over - began, 1)) * (WIDTH - LEFT - 10));
  at("one-title").textContent = call.call_id;
  at("one-told").textContent = summary(call, over - began);
  const story = storyOf(call);
  for (const what of story) what.paint?.(picture);
  picture.show();
  at("story").replaceChildren(...story.map((what) => line(clock(what.at - began), what.words)));
  at("facts").replaceChildren(...(call.facts.length ? call.facts.map(factLine) : [line("", "Nothing yet.")]));
}

function lanesOf(call) {
  const others = [...call.handoffs.flatMap((one) => [one.from, one.to]), ...call.turns.map((turn) => turn.service)];
  return [...new Set(["caller", ...call.services, ...others])].filter(Boolean);
}

function summary(call, seconds) {
  const parts = [`A ${call.channel} call of ${clock(seconds)}`];
  if (call.display_name) parts.push(`with ${call.display_name}`);
  if (call.holder) parts.push(call.holder.is_held ? `held by ${call.holder.agent_id} (epoch ${call.holder.epoch})` : "held by nobody now");
  if (call.holder?.is_recovered) parts.push("which took over from an agent that was lost");
  if (call.intent) parts.push(`about ${spelled(call.intent)}`);
  if (call.pending.length) parts.push(`then ${call.pending.map(spelled).join(", ")}`);
  if (call.ending) parts.push(`ended as ${spelled(call.ending)}${call.ending_detail ? `: ${call.ending_detail}` : ""}`);
  return `${parts.join(", ")}.`;
}

// --- what happened, in order -----------------------------------------------------------------------------------------
function storyOf(call) {
  const story = [
    ...call.turns.map(spoke), ...call.handoffs.map(handed), ...call.attempts.map(tried), ...call.tools.map(asked),
    ...(call.recoveries ?? []).map(recovered),
  ];
  if (call.ended_at) story.push({ at: call.ended_at, words: `ended: ${spelled(call.ending)}`, paint: (picture) => picture.end(call.ended_at) });
  return story.sort((one, other) => one.at - other.at);
}

function spoke(turn) {
  const who = turn.role === "caller" ? "caller" : turn.service;
  const cut = turn.was_interrupted ? ", cut off" : "";
  return {
    at: turn.at,
    words: turn.text ? `${who}: ${turn.text}${cut}` : `${who} spoke, about ${turn.seconds} s${cut}`,
    paint: (picture) => picture.turn(who, turn),
  };
}

function handed(one) {
  const [first, last] = [one.moves[0]?.[1] ?? 0, one.moves.at(-1)?.[1] ?? 0];
  const steps = one.moves.map(([state, moment], index) => (index ? `${state} +${Math.round((moment - first) * 1000)} ms` : state));
  const why = one.reason ? ` (${spelled(one.reason)})` : "";
  return {
    at: first,
    words: `handoff ${one.from} → ${one.to}: ${steps.join(", ")}${why}`,
    paint: (picture) => picture.handoff(one, first, last),
  };
}

function tried({ service, what, outcome, at: moment }) {
  return { at: moment, words: `${service}: ${spelled(what)} did not come to be: ${spelled(outcome)}`, paint: (picture) => picture.mark(service, moment, "tried") };
}

function asked({ service, name, failed, at: moment }) {
  return { at: moment, words: `${service}: tool ${name} ${failed ? "failed" : "answered"}`, paint: (picture) => picture.tool(service, moment, failed) };
}

function recovered({ service, at: moment }) {
  return { at: moment, words: `${service}: its agent was lost, another one took over`, paint: (picture) => picture.lost(service, moment) };
}

function line(when, words) {
  const item = document.createElement("li");
  const [moment, told] = [when, words].map((textContent) => Object.assign(document.createElement("span"), { textContent }));
  moment.className = "when";
  item.append(moment, told);
  return item;
}

function factLine({ name, value, verified, source }) {
  const item = document.createElement("li");
  const how = verified ? "verified" : `from the ${source}`;
  item.append(Object.assign(document.createElement("b"), { textContent: spelled(name) }), `${value} (${how})`);
  return item;
}

// --- the picture -----------------------------------------------------------------------------------------------------
class Picture {
  constructor(lanes, x) {
    [this.lanes, this.x, this.parts] = [lanes, x, []];
    lanes.forEach((name, index) => {
      const y = this.y(name);
      this.add("line", { class: "lane", x1: LEFT, x2: WIDTH, y1: y, y2: y });
      this.add("text", { x: 4, y: y + 5 }).textContent = name;
    });
  }

  y(name) {
    return TOP + LANE * (Math.max(0, this.lanes.indexOf(name)) + 0.5);
  }

  add(name, attributes) {
    const part = document.createElementNS(at("picture").namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    this.parts.push(part);
    return part;
  }

  turn(who, { at: moment, seconds, was_interrupted }) {
    const [from, to] = [this.x(moment - seconds), this.x(moment)];
    this.add("rect", {
      class: `turn of-${who}${was_interrupted ? " cut" : ""}`, x: from, y: this.y(who) - 9, width: Math.max(3, to - from), height: 18, rx: 3,
    });
  }

  handoff({ from, to, state }, first, last) {
    const lost = LOST.includes(state) ? " lost" : "";
    this.add("path", { class: `handoff${lost}`, d: `M${this.x(first)} ${this.y(from)}L${this.x(last)} ${this.y(to)}` });
    this.add("circle", { class: `handoff${lost}`, cx: this.x(last), cy: this.y(to), r: 4 });
  }

  mark(service, moment, kind) {
    const [x, y] = [this.x(moment), this.y(service) - 16];
    this.add("path", { class: kind, d: `M${x} ${y - 6}l6 6l-6 6l-6 -6Z` });
  }

  tool(service, moment, failed) {
    this.add("rect", { class: failed ? "tool lost" : "tool", x: this.x(moment) - 4, y: this.y(service) + 12, width: 8, height: 8 });
  }

  lost(service, moment) {
    const [x, y] = [this.x(moment), this.y(service)];
    this.add("path", { class: "recovery", d: `M${x - 7} ${y - 7}l14 14M${x + 7} ${y - 7}l-14 14` });
  }

  end(moment) {
    this.add("line", { class: "end", x1: this.x(moment), x2: this.x(moment), y1: TOP, y2: TOP + LANE * this.lanes.length });
  }

  show() {
    at("picture").setAttribute("viewBox", `0 0 ${WIDTH} ${TOP * 2 + LANE * this.lanes.length}`);
    at("picture").replaceChildren(...this.parts);
  }
}
