
// The keyboard: one table of keys, and the buttons that do the same.
const actions = {
  " ": toggle,
  k: () => run(0),
  l: () => faster(1),
  j: () => faster(-1),
  n: nextHit,
  p: hitBefore,
  ",": () => seek(sound.currentTime - 1 / frameRate),
  ".": () => seek(sound.currentTime + 1 / frameRate),
  arrowleft: (event) => seek(sound.currentTime - (event.shiftKey ? 1 / frameRate : 1)),
  arrowright: (event) => seek(sound.currentTime + (event.shiftKey ? 1 / frameRate : 1)),
  home: () => seek(0),
  end: () => seek(take.duration),
  "+": () => magnify(1),
  "=": () => magnify(1),
  "-": () => magnify(-1),
  t: () => changeTheme(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input")) return; // the volume has arrows of its own
  if (event.key === " " && event.target.matches("button")) return; // a button in focus is pressed by it
  const action = actions[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action(event);
});

const pressed = {
  play: toggle,
  before: hitBefore,
  next: nextHit,
  closer: () => magnify(1),
  wider: () => magnify(-1),
  theme: () => changeTheme(),
};
for (const [name, action] of Object.entries(pressed)) document.getElementById(name).addEventListener("click", action);
document.addEventListener("click", (event) => {
  const button = event.target.closest(".seek");
  if (button) seek(Number(button.dataset.time));
});
const volume = document.getElementById("volume");
volume.addEventListener("input", () => (sound.volume = Number(volume.value)));
