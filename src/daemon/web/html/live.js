// What changes is shown as it changes; without this the page is read again by hand.
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  const source = new EventSource(main.dataset.live);
  source.addEventListener("changed", async () => {
    const answer = await fetch(main.dataset.part, { credentials: "same-origin" });
    if (!answer.ok) return;
    const open = [...main.querySelectorAll("details[open]")].map((one) => one.id);
    // The server's own page of this run, with everything from outside escaped there.
    main.innerHTML = await answer.text();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  });
  source.addEventListener("over", () => source.close());
})();
