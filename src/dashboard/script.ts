/** The only script: live figures without reloading, and the baseline's rest while weights are typed. Everything works without it. */
export const SCRIPT = `"use strict";
(() => {
  const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const [form] = all("[data-weights]");
  if (form) form.addEventListener("input", () => {
    const inputs = all("input[type=number]", form);
    const rest = Math.round((100 - inputs.reduce((sum, input) => sum + (input.valueAsNumber || 0), 0)) * 100) / 100;
    const [output] = all("[data-rest]", form);
    output.textContent = rest < 0 ? "0 %: " + -rest + " % too many" : rest + " %";
    output.className = rest < 0 ? "bad" : "";
    for (const input of inputs) input.setCustomValidity(rest < 0 ? "The shares are more than 100 % together." : "");
  });
  const live = all("[data-live]");
  const fresh = document.getElementById("fresh");
  if (!fresh) return;
  // What a person is about to press or to copy stays where it is.
  const inUse = (section) => {
    const chosen = getSelection();
    return section.querySelector("form :focus") || (!chosen.isCollapsed && section.contains(chosen.anchorNode));
  };
  const mark = (each) => each && (each.getAttribute("aria-label") || each.parentNode.dataset.key || each.href);
  const keyed = (root, rest) => all("details" + rest, root).map((each) => [each.dataset.key, each]);
  const update = (page) => {
    for (const section of live) {
      const next = page.getElementById(section.id);
      if (!next || inUse(section)) continue;
      const open = new Map(keyed(section, "[open]"));
      for (const [key, details] of keyed(next, "")) details.open = open.has(key);
      if (next.innerHTML === section.innerHTML) continue;
      const focused = mark(section.querySelector(":focus"));
      section.className = next.className;
      section.replaceChildren(...next.childNodes);
      const again = focused && all("summary, a, [tabindex]", section).find((each) => mark(each) === focused);
      if (again) again.focus({ preventScroll: true });
    }
  };
  let wait = 5000;
  let since = "";
  const say = (text) => {
    if (fresh.textContent !== text) fresh.textContent = text;
  };
  const refresh = async () => {
    try {
      if (document.hidden) return;
      const answer = await fetch(location.pathname + location.search);
      if (answer.redirected) return say("Log in again for live figures");
      if (!answer.ok) throw new Error(answer.status);
      update(new DOMParser().parseFromString(await answer.text(), "text/html"));
      wait = 5000;
      since = "";
      say("Live");
    } catch {
      wait = Math.min(60000, wait * 2);
      since = since || new Date().toLocaleTimeString();
      say("No answer since " + since);
    } finally {
      setTimeout(refresh, wait);
    }
  };
  say("Live");
  setTimeout(refresh, wait);
})();
`;
