"use strict";
// Two players, one play-head. Whatever plays moves the head; the big button plays both on one time base.
(() => {
  const $ = (id) => document.getElementById(id);
  const heard = $("heard"), said = $("said"), seek = $("seek"), line = $("line"), scroll = $("scroll"), head = $("head");
  const duration = Number(seek.max) / 1000;
  const turns = [...document.querySelectorAll(".turn")];
  const words = [...document.querySelectorAll(".word")];
  const both = [heard, said];
  let zoom = 1;

  const leading = () => (!heard.paused ? heard : !said.paused ? said : null);
  const shown = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(1).padStart(4, "0")}`;

  function show(t) {
    const share = Math.min(Math.max(t / duration, 0), 1);
    head.style.left = `${share * 100}%`;
    seek.value = String(Math.round(t * 1000));
    seek.setAttribute("aria-valuetext", shown(t));
    $("clock").textContent = shown(t);
    turns.forEach((turn, i) => {
      const now = t * 1000 >= Number(turn.dataset.start) && t * 1000 < Number(turn.dataset.end);
      turn.classList.toggle("now", now);
      words[i]?.classList.toggle("now", now);
      if (now) turn.setAttribute("aria-current", "true"); else turn.removeAttribute("aria-current");
    });
    const x = share * line.clientWidth;
    if (leading() && (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth - 40)) {
      scroll.scrollLeft = x - 80;
    }
  }

  function goTo(t) {
    const at = Math.min(Math.max(t, 0), duration);
    both.forEach((a) => { a.currentTime = at; });
    show(at);
  }

  function toggle() {
    if (leading()) { both.forEach((a) => a.pause()); return; }
    const from = Number(seek.value) / 1000;
    goTo(from >= duration - 0.05 ? 0 : from);
    both.forEach((a) => { a.play().catch(() => {}); });
  }

  function tick() {
    const player = leading();
    if (player) {
      show(player.currentTime);
      requestAnimationFrame(tick);
    }
  }

  both.forEach((a) => {
    a.addEventListener("play", () => { $("play").textContent = "❚❚"; $("play").setAttribute("aria-label", "Pause"); requestAnimationFrame(tick); });
    a.addEventListener("pause", () => { if (!leading()) { $("play").textContent = "▶"; $("play").setAttribute("aria-label", "Play"); } });
    a.addEventListener("seeked", () => { if (!leading()) show(a.currentTime); });
  });
  $("play").addEventListener("click", toggle);
  seek.addEventListener("input", () => goTo(Number(seek.value) / 1000));
  line.addEventListener("click", (e) => {
    const box = line.getBoundingClientRect();
    goTo(((e.clientX - box.left) / box.width) * duration);
  });
  scroll.addEventListener("keydown", (e) => {
    const now = Number(seek.value) / 1000;
    const moves = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: duration };
    if (e.key === " ") toggle();
    else if (e.key in moves) goTo(moves[e.key]);
    else return;
    e.preventDefault();
  });
  turns.forEach((turn) => turn.querySelector("button").addEventListener("click", () => goTo(Number(turn.dataset.start) / 1000)));
  document.querySelectorAll("[data-track]").forEach((box) => box.addEventListener("change", () => { $(box.dataset.track).muted = !box.checked; }));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
    zoom = Math.min(16, Math.max(1, button.dataset.zoom === "in" ? zoom * 2 : zoom / 2));
    line.style.setProperty("--zoom", String(zoom));
    scroll.scrollLeft = (Number(seek.value) / 1000 / duration) * line.clientWidth - scroll.clientWidth / 2;
  }));
  show(0);
})();
