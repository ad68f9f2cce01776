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

const renew = (old, fresh) => {
  const focused = old.contains(document.activeElement) && document.activeElement;
  const href = focused && focused.getAttribute("href");
  old.replaceChildren(...fresh.childNodes);
  if (href) old.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  else if (focused) old.querySelector("[autofocus]")?.focus({ preventScroll: true });
};
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
  renew(live, fresh);
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

// What nobody tells of is looked at again, so many seconds later, while somebody looks at it.
const aging = () => [...document.querySelectorAll("[data-every]")];
const again = () => {
  const seconds = aging().map((part) => Number(part.dataset.every));
  if (seconds.length) setTimeout(lookAgain, 1000 * Math.min(...seconds));
};
const lookAgain = async () => {
  const parts = aging().filter((part) => !part.querySelector(":focus:not(a, [autofocus])"));
  const answer = document.hidden || !parts.length ? null
    : await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (answer?.redirected) return location.reload(); // logged out
  if (!answer?.ok) return again();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (!fresh) continue;
    if (!fresh.dataset.every) delete part.dataset.every;
    if (fresh.innerHTML !== part.innerHTML) renew(part, fresh); // or it would be read out again
  }
  again();
};
again();
