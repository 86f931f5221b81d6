/** The only script: live figures without reloading, and the baseline's rest while weights are typed. Everything works without it. */
export const SCRIPT = `"use strict";
(() => {
  const form = document.querySelector("[data-weights]");
  if (form) form.addEventListener("input", () => {
    const inputs = [...form.querySelectorAll("input[type=number]")];
    const rest = Math.round((100 - inputs.reduce((sum, input) => sum + (input.valueAsNumber || 0), 0)) * 100) / 100;
    const output = form.querySelector("[data-rest]");
    output.textContent = rest + " %";
    output.className = rest < 0 ? "bad" : "";
    for (const input of inputs) input.setCustomValidity(rest < 0 ? "The shares are more than 100 % together." : "");
  });
  const live = () => [...document.querySelectorAll("[data-live]")];
  if (live().length === 0) return;
  let wait = 5000;
  const again = () => setTimeout(refresh, wait);
  const refresh = async () => {
    if (document.hidden) return again();
    try {
      const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const section of live()) {
        const fresh = page.getElementById(section.id);
        const open = section.contains(document.activeElement) || section.querySelector("details[open]");
        if (fresh && !open && fresh.innerHTML !== section.innerHTML) section.replaceWith(document.importNode(fresh, true));
      }
      wait = 5000;
    } catch {
      wait = Math.min(60000, wait * 2);
    }
    again();
  };
  again();
})();
`;
