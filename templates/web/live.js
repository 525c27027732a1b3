// The live preview, and the visitor's time zone. Everything works without this file.
"use strict";
document.querySelectorAll("[data-live]").forEach((form) => {
  const place = form.querySelector(".live");
  let timer, asked;
  async function look() {
    const value = (name) => form.querySelector(`[data-field="${name}"]`)?.value.trim() || "";
    const words = new URLSearchParams({ keywords: value("keywords"), query: value("query"), language: document.documentElement.lang });
    if (asked) asked.abort();
    if (!words.get("keywords") && !words.get("query")) { place.replaceChildren(); return; }
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.live + "?" + words, { signal: asked.signal, headers: { Accept: "text/html" } });
      if (answer.ok) place.innerHTML = await answer.text();
      else if (answer.status === 429) timer = setTimeout(look, 1000);
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren();
    }
  }
  form.addEventListener("input", (event) => {
    if (!event.target.dataset.field) return;
    clearTimeout(timer);
    timer = setTimeout(look, 250);
  });
  const zone = form.querySelector("[name=timezone]");
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && guess && (zone.value === "UTC" || !zone.value)) zone.value = guess;
});
