
// The programme's time: seconds to frames and timecode, beats, hits. Times are seconds from the first frame.
const take = JSON.parse(document.getElementById("take").textContent);
const frameRate = take.rate[0] / take.rate[1];

function clamped(seconds) {
  return Math.min(take.duration, Math.max(0, seconds));
}

function frameAt(seconds) {
  return Math.floor(seconds * frameRate + 1e-6); // a time on a frame, rounded down by a float, is that frame
}

// Drop-frame counting leaves numbers out at each minute but each tenth (SMPTE ST 12-1).
function timecode(seconds) {
  const nominal = Math.round(frameRate);
  let frame = take.startFrame + frameAt(seconds);
  if (take.dropFrame) {
    const dropped = Math.round(nominal / 15);
    const perMinute = nominal * 60 - dropped;
    const perTen = perMinute * 10 + dropped;
    const tens = Math.floor(frame / perTen);
    const rest = frame % perTen;
    frame += dropped * (9 * tens + Math.max(0, Math.floor((rest - dropped) / perMinute)));
  }
  const two = (value) => String(value).padStart(2, "0");
  const whole = Math.floor(frame / nominal);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(two);
  return parts.join(":") + (take.dropFrame ? ";" : ":") + two(frame % nominal);
}

function minutes(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  return Math.floor(tenths / 600) + ":" + String(Math.floor(tenths / 10) % 60).padStart(2, "0") + "." + (tenths % 10);
}

// How many of the rising numbers are at or below a value.
function countUpTo(rising, value) {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Bar and beat, counted from 1 at the first bar that begins within the programme.
function barAndBeat(seconds) {
  const beat = countUpTo(take.beats, seconds + 1e-6) - 1;
  const firstInside = countUpTo(take.beats, -1e-9);
  let firstBar = take.firstDownbeat;
  while (firstBar < firstInside) firstBar += take.beatsPerBar;
  const from = beat - firstBar;
  const inBar = ((from % take.beatsPerBar) + take.beatsPerBar) % take.beatsPerBar;
  return from < 0 ? "upbeat " + (inBar + 1) : "bar " + (Math.floor(from / take.beatsPerBar) + 1) + "." + (inBar + 1);
}
