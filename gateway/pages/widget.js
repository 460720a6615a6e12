// One script tag on somebody's page: a button that opens the call in a small window of its own.
// <script src="https://calls.example.com/widget.js" data-service="billing" data-label="Call us" defer></script>
(() => {
  const tag = document.currentScript;
  const page = new URL("/", tag.src);
  if (tag.dataset.service) page.searchParams.set("service", tag.dataset.service);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = tag.dataset.label || "Call us";
  button.className = "voicemesh-call";
  button.addEventListener("click", () => window.open(page, "voicemesh-call", "width=420,height=720"));
  tag.after(button);
})();
