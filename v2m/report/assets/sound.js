
// The sound, and running through it: forth at up to four times the speed, back silently.
const sound = document.getElementById("sound");
const listeners = [];
let speed = 0; // 0 stands, 1 plays, -1 runs back
let lastStep = 0;

function whenMoved(listener) {
  listeners.push(listener);
}

function moved() {
  for (const listener of listeners) listener(sound.currentTime);
}

function seek(seconds) {
  sound.currentTime = clamped(seconds);
  moved();
}

function run(newSpeed) {
  speed = newSpeed;
  document.body.classList.toggle("playing", speed !== 0);
  if (speed > 0) {
    if (sound.currentTime >= take.duration - 0.01) sound.currentTime = 0;
    sound.playbackRate = speed;
    sound.play().catch((error) => {
      if (error.name === "NotAllowedError") run(0); // the browser lets nothing sound before a key or a click
    });
  } else {
    sound.pause();
  }
  lastStep = performance.now();
  if (speed !== 0) requestAnimationFrame(step);
  moved();
}

function step(now) {
  if (speed === 0) return;
  if (speed < 0) {
    sound.currentTime = clamped(sound.currentTime + ((now - lastStep) / 1000) * speed);
    if (sound.currentTime <= 0) run(0);
  }
  lastStep = now;
  moved();
  if (speed !== 0) requestAnimationFrame(step);
}

function toggle() {
  run(speed === 0 ? 1 : 0);
}

function faster(direction) {
  run(Math.sign(speed) === direction ? Math.max(-4, Math.min(4, speed * 2)) : direction);
}

function nextHit() {
  const index = countUpTo(take.hits, sound.currentTime + 0.001);
  seek(index < take.hits.length ? take.hits[index] : take.duration);
}

// While it plays, the hit that has just passed does not count: one press more goes to the one before.
function hitBefore() {
  const grace = speed > 0 ? 0.5 : 0.001;
  const index = countUpTo(take.hits, sound.currentTime - grace) - 1;
  seek(index >= 0 ? take.hits[index] : 0);
}

sound.addEventListener("ended", () => run(0));
sound.addEventListener("seeked", moved);
