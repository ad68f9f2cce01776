// Everything works without this. With it: keys, pages that follow what happens, and no second
// click while the first is on its way.

const free = (form) => {
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
};
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    setTimeout(() => free(form), 8000); // stopped, or lost on the way: again does no harm
  });
}
// Coming back with the browser's button, a form can be sent again.
addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach(free);
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
  s: () => location.assign("/schedules"),
  c: () => location.assign("/schedules/calendar"),
  "?": () => document.querySelector("#keys")?.showModal(),
};

// They can be switched off: who dictates, or has a tremor, triggers them unmeant.
const off = "musterwerk-keys-off";
const switched = document.querySelector("#keys-on");
if (switched) {
  switched.closest("section").hidden = false;
  switched.checked = !localStorage.getItem(off);
  switched.addEventListener("change", () => {
    if (switched.checked) localStorage.removeItem(off);
    else localStorage.setItem(off, "yes");
  });
}

addEventListener("keydown", (event) => {
  if (localStorage.getItem(off)) return;
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
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.redirected) return location.reload(); // logged out
  if (!answer?.ok) return later(5000);
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
  let pause = 1000;
  const listen = () => {
    stream?.close();
    stream = null;
    if (document.hidden) return;
    stream = new EventSource(`/events?after=${seen}`);
    stream.addEventListener("open", () => (pause = 1000));
    stream.addEventListener("message", hear);
    // Browsers give up for good on an answer that is no stream, such as a proxy's 502.
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, pause);
      pause = Math.min(2 * pause, 60000);
    });
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
}
