"use strict";
// Strips of pictures become stacks behind a slider; without this script they stay side by side.
for (const gallery of document.querySelectorAll(".gallery")) {
  const choice = gallery.querySelector(".choice");
  const strips = [...gallery.querySelectorAll(".strip")];

  const chosen = () => choice?.querySelector("input:checked").value;
  const isOf = ({dataset}, system) => !system || !dataset.system || dataset.system === system;

  const show = (strip) => {
    const system = chosen();
    const range = strip.querySelector("input[type=range]");
    const frames = [...strip.querySelectorAll(".frame")].filter((frame) => {
      frame.hidden = !isOf(frame, system);
      return !frame.hidden;
    });
    const at = Number(range.value), first = Math.floor(at), share = at - first;
    frames.forEach((frame, k) => {
      const opacity = k === first ? 1 : k === first + 1 ? share : 0;
      frame.style.opacity = opacity;
      frame.style.visibility = opacity ? "visible" : "hidden";
    });
    const [one, other] = [first, first + 1].map((k) => frames[k]?.dataset.label);
    const text = share ? `${Math.round(100 * share)} % from ${one} to ${other}` : one;
    range.setAttribute("aria-valuetext", text);
    strip.querySelector(".shown").textContent = text;
  };

  const showAll = () => {
    for (const strip of strips) {
      strip.hidden = !isOf(strip, chosen());
      if (!strip.hidden) show(strip);
    }
  };

  gallery.classList.add("live");
  for (const hidden of gallery.querySelectorAll(".choice, .slide")) hidden.hidden = false;
  for (const strip of strips) {
    strip.querySelector("input[type=range]").addEventListener("input", () => show(strip));
  }
  choice?.addEventListener("change", showAll);
  showAll();
}
