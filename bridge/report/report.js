"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const stage = find("stage"), slider = find("scale"), sound = find("sound"), readout = find("readout"), playhead = find("playhead");
  const cue = JSON.parse(find("cue").textContent);
  const FINEST = 240; // pixels a second

  // Zoom: one style property, everything else follows from it.
  let scale = parseFloat(stage.style.getPropertyValue("--s"));
  const gutter = () => stage.querySelector(".gutter").offsetWidth;
  const whole = () => Math.max((stage.clientWidth - gutter()) / cue.duration, 0.02);
  const timeAt = (x) => (x - stage.getBoundingClientRect().left - gutter() + stage.scrollLeft) / scale;
  function zoomTo(wanted, x) {
    const least = Math.min(whole(), FINEST);
    const edge = stage.getBoundingClientRect().left + gutter();
    const anchor = x === undefined ? edge + (stage.clientWidth - gutter()) / 2 : Math.max(x, edge);
    const time = timeAt(anchor);
    scale = Math.min(FINEST, Math.max(least, wanted));
    stage.style.setProperty("--s", scale + "px");
    stage.scrollLeft = time * scale - (anchor - edge);
    slider.value = FINEST > least ? Math.log(scale / least) / Math.log(FINEST / least) : 0;
    slider.setAttribute("aria-valuetext", scale.toFixed(scale < 10 ? 1 : 0) + " pixels a second");
  }
  const actions = { in: () => zoomTo(scale * 1.5), out: () => zoomTo(scale / 1.5), fit: () => zoomTo(0) };
  find("zoom").hidden = false;
  find("zoom").addEventListener("click", (event) => actions[event.target.dataset.zoom]?.());
  slider.addEventListener("input", () => {
    const least = Math.min(whole(), FINEST);
    zoomTo(least * (FINEST / least) ** slider.value);
  });
  stage.addEventListener("keydown", (event) => {
    const action = { "+": "in", "=": "in", "-": "out", "0": "fit" }[event.key];
    if (action && !event.ctrlKey && !event.metaKey) { actions[action](); event.preventDefault(); }
  });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomTo(scale * Math.exp(-event.deltaY / 240), event.clientX);
  }, { passive: false });
  zoomTo(whole() >= 10 ? whole() : scale, 0);

  // Naming a moment.
  const two = (number) => String(number).padStart(2, "0");
  function timecode(seconds) {
    const fps = Math.max(1, Math.ceil(cue.rate - 1e-6));
    let frame = cue.start + Math.round(seconds * cue.rate);
    if (cue.drop) {
      const dropped = fps / 15, minute = fps * 60 - dropped, ten = minute * 10 + dropped;
      const rest = frame % ten;
      frame += dropped * 9 * Math.floor(frame / ten) + (rest >= fps * 60 ? dropped * (1 + Math.floor((rest - fps * 60) / minute)) : 0);
    }
    const total = Math.floor(frame / fps);
    return two(Math.floor(total / 3600)) + ":" + two(Math.floor(total / 60) % 60) + ":" + two(total % 60) + (cue.drop ? ";" : ":") + two(frame % fps);
  }
  function barBeat(seconds) {
    let low = 0, high = cue.bars.length;
    while (high - low > 1) { const middle = (low + high) >> 1; if (cue.bars[middle] <= seconds + 1e-3) low = middle; else high = middle; }
    if (!cue.bars.length) return "";
    const end = cue.bars[low + 1] ?? cue.duration;
    const beat = Math.floor(cue.beats[low] * Math.min(0.999, Math.max(0, (seconds + 1e-3 - cue.bars[low]) / Math.max(end - cue.bars[low], 1e-3))));
    return "bar " + (low + 1) + "." + (beat + 1);
  }
  function tell(seconds) {
    readout.hidden = false;
    readout.textContent = timecode(seconds) + "  ·  " + seconds.toFixed(2) + " s  ·  " + barBeat(seconds);
  }
  const inside = (event) => {
    const time = timeAt(event.clientX);
    return event.clientX > stage.getBoundingClientRect().left + gutter() && time <= cue.duration ? Math.max(0, time) : null;
  };
  stage.addEventListener("pointermove", (event) => { const time = inside(event); if (time !== null) tell(time); });

  // Sound, when score.wav lies beside this page.
  const silence = () => { sound.hidden = true; playhead.hidden = true; };
  sound.addEventListener("error", silence);
  if (sound.error) silence();
  let following = false;
  function follow() {
    following = false;
    const time = sound.currentTime;
    playhead.hidden = sound.hidden;
    playhead.style.setProperty("--t", time.toFixed(3));
    if (!sound.paused) {
      tell(time);
      const x = time * scale - stage.scrollLeft, room = stage.clientWidth - gutter();
      if (x < 0 || x > room * 0.9) stage.scrollLeft = time * scale - room * 0.15;
      following = true;
      requestAnimationFrame(follow);
    }
  }
  for (const name of ["play", "seeking", "timeupdate", "pause"]) sound.addEventListener(name, () => { if (!following) follow(); });
  stage.addEventListener("click", (event) => {
    const time = inside(event);
    if (time === null || sound.hidden || event.target.closest("a")) return;
    sound.currentTime = time;
  });

  // On paper: unfold the tables, and set a long cue in systems, as a score is.
  const SYSTEM_S = 60, MOST_SYSTEMS = 30;
  const LASTING = ".shot, .section, .chord"; // a flag or a number is shown where it begins, these also where they go on
  function system(stack, from, length) {
    const copy = stack.cloneNode(true);
    copy.style.cssText = "--from:" + from + ";--len:" + length;
    for (const drawing of copy.querySelectorAll(".body > svg")) {
      drawing.setAttribute("viewBox", from + " 0 " + length + " " + drawing.viewBox.baseVal.height);
      drawing.style.cssText = "left:0;width:100%";
    }
    for (const mark of copy.querySelectorAll(".body > :not(svg)")) {
      const begins = parseFloat(mark.style.getPropertyValue("--t")), lasts = parseFloat(mark.style.getPropertyValue("--d")) || 0;
      const start = mark.matches(LASTING) ? Math.max(begins, from) : begins, end = Math.min(begins + lasts, from + length);
      if (start < from || start >= from + length || end < start) mark.remove();
      mark.style.setProperty("--t", start);
      mark.style.setProperty("--d", end - start);
    }
    for (const part of copy.querySelectorAll("[id]")) part.removeAttribute("id");
    return copy;
  }
  let undo = [];
  addEventListener("beforeprint", () => {
    const folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((part) => { part.open = true; });
    undo.push(() => folded.forEach((part) => { part.open = false; }));
    const stack = stage.querySelector(".stack"), many = Math.ceil(cue.duration / SYSTEM_S - 0.5);
    if (many < 2 || many > MOST_SYSTEMS) return;
    const systems = Array.from({ length: many }, (_, index) => system(stack, index * cue.duration / many, cue.duration / many));
    stack.replaceWith(...systems);
    undo.push(() => { systems[0].before(stack); systems.forEach((copy) => copy.remove()); });
  });
  addEventListener("afterprint", () => { undo.forEach((step) => step()); undo = []; });
})();
