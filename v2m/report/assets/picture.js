
// The picture at the position: the last one of the same shot that began by then.
const monitor = document.getElementById("monitor");
let shown = -1;

whenMoved((seconds) => {
  if (!monitor) return;
  const { times, places, size } = take.pictures;
  let index = countUpTo(times, seconds + 0.001) - 1;
  const begins = take.bounds[Math.max(0, countUpTo(take.bounds, seconds + 0.001) - 1)];
  const next = times[index + 1];
  // a shot's first picture may come a little after its cut: better that than the shot before
  if (index < 0 || (times[index] < begins - 0.01 && next !== undefined && next - seconds < 0.3)) index += 1;
  if (index === shown) return;
  shown = index;
  monitor.setAttribute("viewBox", [...places[index], ...size].join(" "));
});
