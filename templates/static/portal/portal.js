// What is under way is looked at again every two seconds; a form is sent once. Everything works without this file.
"use strict";

const INTERVAL_MS = 2000;

function openDetails(frame) {
  return new Set([...frame.querySelectorAll("details[data-key][open]")].map((item) => item.dataset.key));
}

function putInto(frame, html) {
  const wasOpen = openDetails(frame);
  const known = new Set([...frame.querySelectorAll("details[data-key]")].map((item) => item.dataset.key));
  const focused = frame.contains(document.activeElement) ? document.activeElement.closest("details[data-key]") : null;
  frame.replaceChildren(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
  for (const item of frame.querySelectorAll("details[data-key]")) {
    if (known.has(item.dataset.key)) item.open = wasOpen.has(item.dataset.key);
    if (focused && focused.dataset.key === item.dataset.key) item.querySelector("summary").focus();
  }
}

function watch(frame) {
  const announce = frame.parentElement.querySelector("[data-announce]");
  let shown = "";
  let failures = 0;

  async function look() {
    if (document.hidden) return again();
    try {
      const response = await fetch(frame.dataset.refresh, { credentials: "same-origin", cache: "no-store" });
      // Signed out, or gone: the page itself says so best.
      if (response.redirected || response.status === 404) return location.reload();
      if (!response.ok) throw new Error(String(response.status));
      const html = await response.text();
      failures = 0;
      if (html !== shown) {
        putInto(frame, html);
        shown = html;
      }
      const state = frame.firstElementChild;
      if (announce && announce.textContent !== state.dataset.said) announce.textContent = state.dataset.said;
      if (state.dataset.progress === "done") return location.reload();
    } catch {
      failures += 1;
    }
    return again();
  }

  function again() {
    setTimeout(look, INTERVAL_MS * Math.min(1 + failures, 15));
  }

  again();
}

for (const frame of document.querySelectorAll("[data-refresh]")) watch(frame);

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// A page that the back button brings back may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
