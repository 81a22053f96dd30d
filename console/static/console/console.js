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

// A time is shown as how long ago it was; whoever points at it is told it in UTC, and as clocks here show it.
document.addEventListener("mouseover", (event) => {
  const one = event.target.closest("time");
  if (!one || one.dataset.here) return;
  one.dataset.here = new Date(one.dateTime).toLocaleString();
  one.title += `\n${one.dataset.here} here`;
});

// What is asked for may be a page without the region that is to be shown: the session is over, or the state cannot be
// read. Then the old region stays, and the page says that it is old.
const tellStale = (why) => {
  const told = document.getElementById("stale");
  told.hidden = !why;
  told.querySelector("span").textContent = why;
};
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (!ctx.select) return;
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  if (page.querySelector(ctx.select)) return tellStale("");
  event.preventDefault();
  const why = page.getElementById("why");
  tellStale(why ? why.textContent : "The session is over: load the page to sign in again.");
});
document.addEventListener("htmx:error", () => tellStale("The control plane cannot be reached; it is asked again."));

// What was done is told once: not again when the page is loaded again, or kept as a bookmark.
const here = new URL(window.location.href);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  window.history.replaceState(null, "", here);
}

// How far a sync is.
const stages = [
  ["began", "The repository is asked where it stands."], ["fetched", "The files were fetched; they are judged."],
  ["planned", "It is known what changes; it is put in force."], ["ended", "The sync is done."],
];

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
  const show = (told) => {
    const number = stages.findIndex(([stage]) => stage === told.stage);
    document.querySelectorAll("[data-sync]").forEach((one) => {
      if (one.dataset.sync !== told.git_repo || number < 0) return;
      one.hidden = false;
      one.querySelector("progress").value = number + 1;
      one.querySelector("span").textContent = stages[number][1];
    });
  };
  stream.addEventListener("change", (event) => note(JSON.parse(event.data).resource));
  stream.addEventListener("event", () => note("events"));
  stream.addEventListener("sync", (event) => {
    note("syncs");
    show(JSON.parse(event.data));
  });
  stream.addEventListener("reset", () => note("*"));
  stream.onopen = () => { document.documentElement.dataset.stream = "open"; };
  stream.onerror = () => { document.documentElement.dataset.stream = "lost"; };
}
