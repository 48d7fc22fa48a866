"use strict";
// Local times, keys, and live parts. Every page works without it.
(() => {
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.getAttribute("datetime"));
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
      time.title = at.toISOString() + " (" + Intl.DateTimeFormat().resolvedOptions().timeZone + ")";
    }
  };
  local(document);

  const parts = () => [...document.querySelectorAll("[data-live]")];
  let busy = false;
  const refresh = async () => {
    const selecting = document.querySelector("[data-live] input:checked, [data-live] details[open]");
    if (busy || selecting || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const other = fresh.getElementById(part.id);
        if (!other || other.innerHTML === part.dataset.seen) continue;
        if (part.contains(document.activeElement)) continue;
        part.dataset.seen = other.innerHTML;
        part.replaceChildren(...other.childNodes);
        local(part);
      }
    } finally {
      busy = false;
    }
  };

  let source = null;
  const follow = () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
    } else if (!source && parts().length > 0) {
      source = new EventSource("/live");
      source.addEventListener("changed", refresh);
    }
  };
  document.addEventListener("visibilitychange", follow);
  follow();

  let row = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|select|textarea)$/i.test(event.target.tagName)) return;
    const rows = [...document.querySelectorAll("main tbody tr")];
    const go = (step) => {
      row = Math.max(0, Math.min(rows.length - 1, row + step));
      const link = rows[row] && rows[row].querySelector("a, input");
      if (link) link.focus();
    };
    if (event.key === "/") {
      const field = document.querySelector(".filters select, .filters input:not([type=hidden])");
      if (field) { event.preventDefault(); field.focus(); }
    } else if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "e") {
      const link = rows[row] && rows[row].querySelector("a[href^='/item/']");
      if (link) link.click();
    } else if (event.key === "?") {
      const note = document.getElementById("live-note");
      if (note) note.textContent = "Keys: / filter, j and k move, e explain, ? this help.";
    }
  });
})();
