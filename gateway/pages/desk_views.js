// The queue and the briefing as elements. Callers' words go in as text, never as markup.
function made(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

function row(list, name, value) {
  if (value) list.append(made("dt", name), made("dd", value));
}

export function showQueue(queue, at, looked, look) {
  at("nobody").hidden = queue.length > 0;
  const focused = document.activeElement?.dataset?.handoff;
  at("queue").replaceChildren(...queue.map((one) => {
    const button = made("button", "", one.mood === "negative" ? "upset" : "");
    button.type = "button";
    button.dataset.handoff = one.handoff_id;
    button.setAttribute("aria-current", String(one.handoff_id === looked));
    const mood = one.getting_worse ? `${one.mood}, getting worse` : one.mood;
    button.append(made("b", one.about), made("span", `${one.waits_seconds} s, ${mood}`));
    button.addEventListener("click", () => look(one.handoff_id));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  if (focused) at("queue").querySelector(`[data-handoff="${CSS.escape(focused)}"]`)?.focus();
}

export function showBriefing(told, at) {
  at("about").textContent = told.caller ? `${told.about}: ${told.caller}` : told.about;
  at("summary").textContent = told.summary;
  at("facts").replaceChildren();
  for (const fact of told.facts) row(at("facts"), fact.name, `${fact.value}${fact.verified ? " (verified)" : ""}`);
  row(at("facts"), "mood", told.getting_worse ? `${told.mood}, getting worse` : told.mood);
  row(at("facts"), "wants besides", told.wants_besides.join(", "));
  row(at("facts"), "spoke with", told.services.join(", "));
  row(at("facts"), "calls from", told.channel);
  const tried = [...told.done.map((line) => `Done: ${line}`), ...told.tried];
  at("tried").replaceChildren(...(tried.length ? tried : ["Nothing yet."]).map((line) => made("li", line)));
  at("turns").replaceChildren(...told.turns.map((turn) => {
    const item = made("p", "", turn.who === "Caller" ? "caller" : "");
    item.append(made("b", turn.who), made("span", turn.text));
    return item;
  }));
  at("turns").scrollTop = at("turns").scrollHeight;
}
