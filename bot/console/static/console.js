// Shortcuts, the menu in which a reading is corrected, and a few habits of a list. Everything else works without this file.
"use strict";

document.documentElement.classList.add("scripted");

const KEYS_OFF = "toetsen-uit";

// --- shortcuts: one key, only outside fields, and they can be turned off ---

function press(selector) {
  const target = document.querySelector(selector);
  if (!target) return false;
  if (target.matches("input, textarea, select")) {
    target.scrollIntoView({ block: "center" });
    target.focus();
  } else target.click();
  return true;
}

const SHORTCUTS = {
  j: () => press("[data-next]"),
  k: () => press("[data-before]"),
  e: () => press("[data-do=done]"),
  b: () => press("[data-do=discuss]"),
  m: () => press("[data-do=mine]"),
  n: () => press("[data-focus=note]"),
  l: () => press("[data-focus=tag]"),
  g: () => press("[data-key=g]"),
  c: () => press("[data-key=c]"),
  i: () => press("[data-key=i]"),
  "/": () => press("#woorden"),
  "?": () => {
    document.getElementById("sneltoetsen")?.togglePopover();
    return true;
  },
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape" && event.target.matches("input, textarea")) event.target.blur();
  if (event.target.closest("input, textarea, select, [contenteditable], .menu, .sheet")) return;
  if (localStorage.getItem(KEYS_OFF)) return;
  if (SHORTCUTS[event.key]?.()) event.preventDefault();
});

const keysOn = document.getElementById("toetsen-aan");
if (keysOn) {
  keysOn.checked = !localStorage.getItem(KEYS_OFF);
  keysOn.addEventListener("change", () => (keysOn.checked ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, "1")));
}

// --- the list stays where it was: the open conversation in sight ---

document.querySelector(".item[aria-current]")?.scrollIntoView({ block: "nearest" });

// --- correcting: one menu for the page, opened beside what was clicked ---

const menu = document.getElementById("verbeter");

function openMenu(button) {
  const { correct, message, now } = button.dataset;
  const form = menu.querySelector("form");
  form.action = menu.dataset.action.replace("/berichten/0/", `/berichten/${message}/`);
  menu.classList.toggle("all", correct === "all");
  const chosen = new Map();
  for (const chip of document.querySelectorAll(`[data-correct][data-message="${message}"]`)) {
    chosen.set(chip.dataset.correct, [...(chosen.get(chip.dataset.correct) ?? []), chip.dataset.now]);
  }
  for (const group of menu.querySelectorAll("fieldset")) {
    const facet = group.dataset.facet;
    group.hidden = correct === "all" ? facet === "intent" : facet !== correct;
    for (const option of group.querySelectorAll("[data-value]")) {
      option.setAttribute("aria-pressed", String(chosen.get(facet)?.includes(option.dataset.value) ?? false));
    }
  }
  menu.showPopover();
  const place = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(place.left, innerWidth - menu.offsetWidth - 8));
  const below = place.bottom + 4;
  const top = below + menu.offsetHeight <= innerHeight - 8 ? below : Math.max(8, place.top - menu.offsetHeight - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
  const options = [...menu.querySelectorAll("fieldset:not([hidden]) button")];
  (options.find((option) => option.dataset.value === now) ?? options[0])?.focus();
}

if (menu) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-correct]");
    if (!button) return;
    menu.returnTo = button;
    openMenu(button);
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "closed") menu.returnTo?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const options = [...menu.querySelectorAll("fieldset:not([hidden]) button")];
    options[(options.indexOf(document.activeElement) + step + options.length) % options.length].focus();
  });
}

// --- small habits ---

for (const select of document.querySelectorAll(".assign select")) {
  // With a mouse the choice is enough; the arrow keys walk through the choices, so there Enter decides.
  let byKey = false;
  select.addEventListener("keydown", (event) => {
    byKey = event.key !== "Enter";
    if (event.key === "Enter") select.form.requestSubmit();
  });
  select.addEventListener("pointerdown", () => (byKey = false));
  select.addEventListener("change", () => byKey || select.form.requestSubmit());
}
for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());
document.querySelector("[data-print]")?.addEventListener("click", () => print());
// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.hasAttribute("data-download")) return;
  if (event.target.dataset.sent && event.target.method === "post") event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
// Leaving with half a note is asked about first.
addEventListener("beforeunload", (event) => {
  const note = document.querySelector("[data-focus=note]");
  if (note && note.value !== note.defaultValue && !note.form.dataset.sent) event.preventDefault();
});
