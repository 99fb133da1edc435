
// The position in figures.
const timecodeField = document.getElementById("timecode");
const secondsField = document.getElementById("seconds");
const barField = document.getElementById("bar");
const speedField = document.getElementById("speed");

whenMoved((seconds) => {
  timecodeField.textContent = timecode(seconds);
  secondsField.textContent = minutes(seconds);
  barField.textContent = barAndBeat(seconds);
  speedField.textContent = speed === 0 || speed === 1 ? "" : speed < 0 ? "back " + -speed + "×" : speed + "×";
});
