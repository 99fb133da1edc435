"use strict";
// One pair at a time: a video without sound, and two pieces of music that start with it from the beginning.
{
  const at = (id) => document.getElementById(id);
  const token = new URLSearchParams(location.search).get("token") || "";
  const home = "/" + encodeURIComponent(token) + "/";
  const video = at("video");
  const sounds = { left: at("left"), right: at("right") };
  const LISTENER = "v2m-listener";
  let listener = localStorage.getItem(LISTENER);
  if (!listener) {
    listener = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
    localStorage.setItem(LISTENER, listener);
  }
  let trial = null;
  let heard = new Set();
  let answers = {};
  let sending = false;

  const told = (words) => { at("told").textContent = words; };

  const show = () => {
    for (const side of ["left", "right"]) {
      at("play-" + side).setAttribute("aria-pressed", String(side === playing()));
      for (const question of ["quality", "sync"]) {
        const button = at(question + "-" + side);
        button.disabled = heard.size < 2;
        button.setAttribute("aria-pressed", String(answers[question] === side));
      }
    }
    at("next").disabled = sending || !(answers.quality && answers.sync);
  };

  const playing = () => ["left", "right"].find((side) => !sounds[side].paused) || "";

  const stop = () => {
    video.pause();
    for (const sound of Object.values(sounds)) sound.pause();
  };

  const play = (side) => {
    if (!trial) return;
    const again = playing() === side;
    stop();
    if (!again) {
      video.currentTime = 0;
      sounds[side].currentTime = 0;
      heard.add(side);
      Promise.all([video.play(), sounds[side].play()]).catch(() => told("The browser could not play this pair."));
    }
    show();
  };

  const answer = (question, side) => {
    if (!trial || heard.size < 2) {
      told("Please listen to both first.");
      return;
    }
    answers[question] = side;
    told("");
    show();
  };

  const take = (state) => {
    trial = state.trial;
    heard = new Set();
    answers = {};
    at("progress").max = state.count;
    at("progress").value = state.done;
    at("place").textContent = trial ? (state.done + 1) + " of " + state.count : state.count + " of " + state.count;
    document.body.classList.toggle("done", !trial);
    if (trial) {
      video.src = home + "media/" + trial + "/video";
      sounds.left.src = home + "media/" + trial + "/left";
      sounds.right.src = home + "media/" + trial + "/right";
      at("play-left").focus();
    }
    show();
  };

  const ask = async (path, body) => {
    const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
    const reply = await fetch(home + path, options);
    if (!reply.ok) throw new Error(String(reply.status));
    return reply.json();
  };

  const next = async () => {
    if (sending || !(answers.quality && answers.sync)) return;
    sending = true;
    stop();
    show();
    try {
      const state = await ask("vote", { trial, listener, quality: answers.quality, sync: answers.sync });
      sending = false;
      told("");
      take(state);
    } catch {
      sending = false;
      told("Your answer could not be kept. Is the test still running? Press Enter to try again.");
      show();
    }
  };

  for (const side of ["left", "right"]) {
    at("play-" + side).addEventListener("click", () => play(side));
    sounds[side].addEventListener("pause", show);
    sounds[side].addEventListener("play", show);
    sounds[side].addEventListener("ended", () => { video.pause(); show(); });
    for (const question of ["quality", "sync"]) {
      at(question + "-" + side).addEventListener("click", () => answer(question, side));
    }
  }
  at("next").addEventListener("click", next);
  const KEYS = {
    a: () => play("left"), b: () => play("right"), " ": stop,
    1: () => answer("quality", "left"), 2: () => answer("quality", "right"),
    3: () => answer("sync", "left"), 4: () => answer("sync", "right"), Enter: next,
  };
  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  ask("state?listener=" + listener).then(take).catch(() => told("The test does not answer. Reload the page."));
}
