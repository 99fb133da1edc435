
// The lanes: the cursor that moves over them, going where one points, and magnification.
const desk = document.getElementById("desk");
const scroll = document.getElementById("scroll");
const tracks = document.getElementById("tracks");
const cursor = tracks.querySelector(".cursor");
const ghost = tracks.querySelector(".ghost");
const levels = [1, 2, 4, 8];
let level = 1;

function place(seconds) {
  return (clamped(seconds) / take.duration) * tracks.clientWidth;
}

function timeAt(event) {
  const box = tracks.getBoundingClientRect();
  return clamped(((event.clientX - box.left) / box.width) * take.duration);
}

function follow(seconds) {
  const at = place(seconds);
  const outside = at < scroll.scrollLeft || at > scroll.scrollLeft + scroll.clientWidth - 24;
  if (outside && level > 1) scroll.scrollLeft = Math.max(0, at - 0.1 * scroll.clientWidth);
}

whenMoved((seconds) => {
  cursor.style.left = (100 * clamped(seconds)) / take.duration + "%";
  cursor.setAttribute("aria-valuenow", seconds.toFixed(2));
  if (speed === 0) cursor.setAttribute("aria-valuetext", timecode(seconds)); // else it would be read out on and on
  if (!dragging) follow(seconds);
});

let dragging = false;
tracks.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  dragging = true;
  tracks.setPointerCapture(event.pointerId);
  seek(timeAt(event));
  cursor.focus({ preventScroll: true });
  event.preventDefault();
});
tracks.addEventListener("pointermove", (event) => {
  ghost.hidden = false;
  ghost.style.left = (100 * timeAt(event)) / take.duration + "%";
  if (dragging) seek(timeAt(event));
});
for (const name of ["pointerup", "pointercancel"]) tracks.addEventListener(name, () => (dragging = false));
tracks.addEventListener("pointerleave", () => (ghost.hidden = true));

function magnify(by) {
  const index = Math.min(levels.length - 1, Math.max(0, levels.indexOf(level) + by));
  const shown = place(sound.currentTime) - scroll.scrollLeft;
  desk.classList.replace("zoom-" + level, "zoom-" + levels[index]);
  level = levels[index];
  document.getElementById("zoom").textContent = level + "×";
  scroll.scrollLeft = place(sound.currentTime) - Math.min(Math.max(shown, 0), scroll.clientWidth); // the cursor stays
}

tracks.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  magnify(event.deltaY < 0 ? 1 : -1);
}, { passive: false });
