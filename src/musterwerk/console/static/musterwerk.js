// Everything works without this. With it: keys, pages that follow what happens, and no second
// click while the first is on its way.

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// Coming back with the browser's button, a form can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

const move = (by) => {
  const links = [...document.querySelectorAll("[data-list] .subject")];
  const here = links.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
};
const press = (selector) => {
  const found = document.querySelector(selector);
  found?.scrollIntoView({ block: "center" });
  found?.focus();
};
const keys = {
  j: () => move(1),
  k: () => move(-1),
  // Keys lead to the button; Enter presses it. Nobody decides by a slip of a finger.
  a: () => press("form[data-decide] button[value=approve]"),
  r: () => press("form[data-decide] textarea[name=reason]"),
  i: () => location.assign("/inbox"),
  "?": () => document.querySelector("#keys")?.showModal(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (keys[event.key]) {
    event.preventDefault(); // or the letter would be typed into the field it leads to
    keys[event.key]();
  }
});

// Lists are shown anew where nobody is in the middle of choosing; a request says that it changed.
const live = document.querySelector("[data-live]");
let waiting = false;

const later = (milliseconds) => {
  waiting = true;
  setTimeout(refresh, milliseconds);
};
const refresh = async () => {
  waiting = false;
  // Who is choosing or typing is left alone until they are done.
  if (live.querySelector("input:checked[name=id], input:focus, select:focus")) return later(2000);
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (!fresh || live.querySelector("input:checked[name=id]")) return later(2000);
  const focused = live.contains(document.activeElement) && document.activeElement.getAttribute("href");
  live.replaceChildren(...fresh.childNodes);
  if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};

if (live) {
  let stream = null;
  let seen = live.dataset.head;
  const hear = (event) => {
    seen = event.lastEventId || seen;
    const changed = JSON.parse(event.data);
    const name = live.dataset.live;
    if (name !== "inbox") {
      if (!changed.length || changed.includes(name)) live.hidden = false;
    } else if (!waiting) {
      later(100 + Math.random() * 900); // not all browsers at once
    }
  };
  // Only while it is looked at: browsers have six connections for all pages of a site.
  const listen = () => {
    stream?.close();
    stream = null;
    if (document.hidden) return;
    stream = new EventSource(`/events?after=${seen}`);
    stream.addEventListener("message", hear);
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
}
