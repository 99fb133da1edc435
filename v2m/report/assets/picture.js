
// The picture at the position: the last that is shown by then.
const monitor = document.getElementById("monitor");
let shown = -1;

whenMoved((seconds) => {
  if (!monitor) return;
  const { times, places, size } = take.pictures;
  const index = Math.max(0, countUpTo(times, seconds + 0.001) - 1);
  if (index === shown) return;
  shown = index;
  monitor.setAttribute("viewBox", [...places[index], ...size].join(" "));
});
