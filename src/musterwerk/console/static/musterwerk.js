// Everything works without this. With it: keys, and no second click while the first is on its way.

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

const links = [...document.querySelectorAll("[data-list] .subject")];
const move = (by) => {
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
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  keys[event.key]?.();
});
