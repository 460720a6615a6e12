// The queues and the briefing as elements. Callers' words go in as text, never as markup.
export function made(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

export function row(list, name, value) {
  if (value) list.append(made("dt", name), made("dd", value));
}

// A list of buttons that is made anew while somebody may have one of them under his finger: `id` tells which is which.
export function showChoices(list, choices) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.choice : undefined;
  list.replaceChildren(...choices.map(({ id, title, line, isUpset, isCurrent, choose }) => {
    const button = made("button", "", isUpset ? "upset" : "");
    button.type = "button";
    button.dataset.choice = id;
    button.setAttribute("aria-current", String(isCurrent));
    button.append(made("b", title), made("span", line));
    button.addEventListener("click", choose);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  if (focused) list.querySelector(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
}

export function showQueue(queue, at, looked, look) {
  at("nobody").hidden = queue.length > 0;
  showChoices(at("queue"), queue.map((one) => ({
    id: one.handoff_id,
    title: one.about,
    line: `${one.waits_seconds} s, ${one.getting_worse ? `${one.mood}, getting worse` : one.mood}`,
    isUpset: one.mood === "negative",
    isCurrent: one.handoff_id === looked,
    choose: () => look(one.handoff_id),
  })));
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
