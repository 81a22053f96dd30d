"use strict";
// What pages do by themselves: copy, ask before what cannot be undone, and stay as the state is.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  navigator.clipboard.writeText(text).then(() => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
});

document.addEventListener("submit", (event) => {
  const words = event.target.dataset.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
});

// A region names the resources that it shows; when one of them changes, it is read again.
const regions = () => document.querySelectorAll("[data-live]");
if (regions().length) {
  const stream = new EventSource("/v1/stream");
  const due = new Set();
  let timer = 0;
  const refresh = () => {
    timer = 0;
    regions().forEach((one) => {
      const names = one.dataset.live.split(" ");
      if (due.has("*") || names.some((name) => due.has(name))) htmx.trigger(one, "changed");
    });
    due.clear();
  };
  const note = (name) => {
    due.add(name);
    if (!timer) timer = setTimeout(refresh, 300);
  };
  stream.addEventListener("change", (event) => note(JSON.parse(event.data).resource));
  stream.addEventListener("event", () => note("events"));
  stream.addEventListener("sync", () => note("syncs"));
  stream.addEventListener("reset", () => note("*"));
  stream.onopen = () => { document.documentElement.dataset.stream = "open"; };
  stream.onerror = () => { document.documentElement.dataset.stream = "lost"; };
}
