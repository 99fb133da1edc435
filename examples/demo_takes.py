"""The takes of the demo film: each is a function from a frame number to a picture.

Conventions: `t` is the frame of the take, 0 where the edit first uses it, below 0 in the handle before;
places are pixels of a 640 x 360 picture.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from demo_brushes import (
    COLUMNS,
    WIDTH,
    Color,
    Picture,
    Place,
    box,
    disc,
    ground,
    line,
    ridge,
    scatter,
    sky,
    triangle,
    turned,
)
from numpy.typing import NDArray

NIGHT, DUSK, STORM = (18, 22, 54), (58, 34, 84), (22, 30, 44)
CREAM, RED, GOLD, WHITE = (255, 241, 214), (226, 62, 58), (255, 196, 92), (255, 255, 255)

STARS = scatter(70, seed=1)
RAIN = scatter(90, seed=2)
TOWERS = scatter(26, seed=3)


def ball(picture: Picture, center: Place, radius: float, turn: float, squash: float = 1) -> None:
    """The hero of the film: a red ball with a light stripe that shows how far it has rolled."""
    x, y = center
    disc(picture, center, radius, RED, squash=squash)
    reach = radius * 0.62
    disc(picture, (x + reach * math.cos(turn), y + reach * math.sin(turn) * squash), radius * 0.24, CREAM)
    disc(picture, (x - radius * 0.3, y - radius * 0.35 * squash), radius * 0.2, (244, 128, 112), glow=4)


def night(t: int) -> Picture:
    """The camera tilts down from the stars to sleeping hills."""
    picture = sky(NIGHT, (74, 62, 120))
    drop = 110 * (0.5 - 0.5 * math.cos(math.pi * min(max(t / 84, 0), 1)))
    for x, y, size in STARS:
        twinkle = 0.6 + 0.4 * math.sin(t * 0.2 + 40 * x)
        disc(picture, (x * WIDTH, y * 380 - drop), 0.7 + size * twinkle, CREAM)
    disc(picture, (470, 190 - drop), 70, (120, 112, 170), glow=90)
    disc(picture, (470, 190 - drop), 36, CREAM)
    ground(picture, ridge(t * 0.4, 395 - drop, 24, 420), (44, 44, 92))
    ground(picture, ridge(900 + t * 0.8, 430 - drop, 20, 300), (28, 30, 66))
    return picture


def road(t: int) -> Picture:
    """The ball rolls; the camera runs beside it."""
    picture = sky((92, 176, 222), (250, 226, 180))
    disc(picture, (520, 84), 34, CREAM, glow=14)
    ground(picture, ridge(t * 2.0, 220, 30, 520), (136, 186, 150))
    ground(picture, ridge(500 + t * 4.0, 262, 22, 380), (92, 156, 106))
    for tree in range(12):
        x = (tree * 173 - t * 9.0) % 2076 - 150
        line(picture, (x, 300), (x, 230 - tree % 3 * 14), 9, (96, 70, 58))
        disc(picture, (x, 214 - tree % 3 * 14), 34, (54, 122, 84))
    ground(picture, np.full(WIDTH, 300, np.float32), (70, 112, 74))
    ball(picture, (250 + 40 * math.sin(t * 0.06), 270), 30, t * 0.3)
    return picture


def landing(t: int) -> Picture:
    """The ball falls out of the sky and lands on frame 30: the ground shakes, dust flies."""
    since = t - 30
    shake = 9 * math.exp(-since / 4) * math.cos(since * 2.4) if since >= 0 else 0.0
    picture = sky((244, 168, 96), (255, 228, 172))
    ground(picture, ridge(120, 268 + shake, 26, 560), (206, 128, 92))
    ground(picture, np.full(WIDTH, 300 + shake, np.float32), (128, 74, 66))
    rest = 300 - 44 + shake
    height = (
        470 * (1 - ((t + 30) / 60) ** 2)
        if since < 0
        else 46 * abs(math.sin(since * 0.21)) * math.exp(-since / 9)
    )
    squash = 1 - 0.4 * math.exp(-since / 2.5) if since >= 0 else 1.08
    for puff in range(14 if since >= 0 else 0):
        away = (puff - 6.5) * (1 + since) * 3.2 / (1 + since * 0.08)
        disc(
            picture,
            (320 + away, 296 - abs(math.sin(puff * 2.1)) * since),
            16 / (1 + since * 0.06),
            (232, 196, 160),
            glow=12,
        )
    ball(picture, (320, rest - max(height, 0) + 44 * (1 - squash)), 44, t * 0.05, squash)
    return picture


def city(t: int) -> Picture:
    """A pan along lit towers at dusk; a train crosses the picture the other way."""
    picture = sky(DUSK, (240, 128, 108))
    disc(picture, (420 - t * 0.3, 190), 58, GOLD, glow=20)
    for depth, (speed, shade) in enumerate(((1.2, (92, 54, 104)), (3.0, (44, 30, 66)))):
        for tower, (place, tall, lights) in enumerate(TOWERS[depth::2]):
            x = (tower * 92 + place * 30 - t * speed) % 1196 - 140
            top = 210 - tall * 130 + depth * 50
            box(picture, (x, top), (78, 360), shade)
            for window in range(10 if depth else 0):
                lit = math.sin(37 * lights + 5.3 * window) > -0.1
                box(
                    picture,
                    (x + 12 + window % 2 * 32, top + 16 + window // 2 * 26),
                    (20, 14),
                    GOLD if lit else (62, 46, 88),
                )
    box(picture, (0, 318), (WIDTH, 42), (24, 18, 38))
    for car in range(5):
        x = t * 14.0 - 700 + car * 150
        box(picture, (x, 280), (140, 36), (206, 214, 224))
        for window in range(4):
            box(picture, (x + 10 + window * 33, 287), (22, 14), (60, 84, 120))
    return picture


def clock(t: int) -> Picture:
    """The camera closes in on a tower clock; its hand ticks every eight frames."""
    zoom = 0.7 * 1.022**t
    picture = sky(DUSK, (150, 80, 110))
    tick = t // 8 + min(1.0, t % 8 / 3)
    box(picture, (320 - 190 * zoom, 180 - 200 * zoom), (380 * zoom, 900), (70, 50, 76))
    disc(picture, (320, 180), 132 * zoom, (40, 28, 50))
    disc(picture, (320, 180), 120 * zoom, CREAM)
    for hour in range(12):
        sine, cosine = math.sin(hour * math.pi / 6), math.cos(hour * math.pi / 6)
        start, end = (98 if hour % 3 else 88) * zoom, 110 * zoom
        line(
            picture,
            (320 + start * sine, 180 - start * cosine),
            (320 + end * sine, 180 - end * cosine),
            6 * zoom,
            (70, 50, 76),
        )
    for length, width, angle in ((58, 10, 5.1 + tick * 0.02), (92, 6, tick * math.pi / 6)):
        tip = (320 + length * zoom * math.sin(angle), 180 - length * zoom * math.cos(angle))
        line(picture, (320, 180), tip, width * zoom, RED if length > 60 else (40, 28, 50))
    disc(picture, (320, 180), 9 * zoom, (40, 28, 50))
    return picture


def sea(
    picture: Picture,
    t: int,
    swell: float,
    colors: tuple[Color, Color, Color],
    *,
    boat: Place,
    zoom: float = 1,
) -> None:
    """Three rows of waves and a sailing boat that rides the middle one."""
    rows = [
        ridge(t * (3 + 2 * row) * zoom, 240 + 38 * row, swell * zoom, (300 + 60 * row) * zoom)
        for row in range(3)
    ]
    ground(picture, rows[0], colors[0])
    x = boat[0]
    here, ahead = (float(rows[1][int(np.clip(x + step, 0, WIDTH - 1))]) for step in (0, 30))
    lean = 0.7 * math.atan2(ahead - here, 30)

    def place(along: float, above: float) -> Place:
        return turned((along * zoom, above * zoom), lean, (x, here + boat[1]))

    for start, end, width, color in (
        ((-44, -4), (44, -4), 26, (112, 62, 48)),
        ((0, -6), (0, -130), 5, (66, 44, 40)),
    ):
        line(picture, place(*start), place(*end), width * zoom, color)
    triangle(picture, (place(8, -126), place(8, -28), place(62, -28)), CREAM)
    triangle(picture, (place(-8, -112), place(-8, -28), place(-40, -28)), (232, 208, 178))
    ball(picture, place(-24, -26), 13 * zoom, lean)
    ground(picture, rows[1], colors[1])
    ground(picture, rows[2], colors[2])


def rain(picture: Picture, t: int, drops: NDArray[np.float64], *, speed: float, width: float) -> None:
    """Slanting rain: `drops` (n, 3) hold a place and a length in 0..1."""
    for x, y, length in drops:
        fall = (y * 420 + t * speed) % 420 - 30
        drift = (x * WIDTH - t * 6) % WIDTH
        line(picture, (drift, fall), (drift - 6, fall + (14 + 10 * length) * width), width, (150, 168, 186))


def storm(t: int) -> Picture:
    """Rain on a rough sea; lightning on frame 40, bright for two frames and fading over twelve."""
    since = t - 40
    light = 0.0 if since < 0 else max(0.0, 1 - max(0, since - 1) / 12)
    picture = sky(STORM, (76, 92, 112))
    if 0 <= since < 8:
        places = [(430 + 26 * math.sin(step * 2.6), step * 32.0) for step in range(8)]
        for start, end in pairwise(places):
            line(picture, start, end, 7 - since * 0.7, WHITE)
    sea(picture, t, 16, ((54, 76, 98), (38, 56, 76), (26, 40, 58)), boat=(270, 0))
    rain(picture, t, RAIN, speed=26, width=1.2)
    return picture + (255 - picture) * np.float32(0.85 * light)


def boat(t: int) -> Picture:
    """Close on the boat as it fights the swell."""
    picture = sky((40, 50, 66), (96, 108, 122))
    sea(picture, t, 15, ((62, 82, 102), (44, 62, 82), (30, 44, 62)), boat=(320, -4), zoom=1.9)
    rain(picture, t, RAIN[:50], speed=34, width=2)
    return picture


def dawn(t: int) -> Picture:
    """The sun comes up over a calm sea, birds cross, and the camera draws back."""
    share = min(max((t + 12) / 108, 0), 1)
    picture = sky((90 + 60 * share, 120 + 60 * share, 176), (250, 170 + 40 * share, 120 + 40 * share))
    disc(picture, (430, 262 - 130 * share), 90, (255, 206, 130), glow=120)
    disc(picture, (430, 262 - 130 * share), 42, (255, 240, 200))
    for bird in range(5):
        x, y = 90 + bird * 44 + t * 3.2, 120 + 22 * math.sin(bird * 2.2) - t * 0.4
        wing = 9 * math.sin(t * 0.55 + bird)
        line(picture, (x - 13, y - wing), (x, y), 3, (70, 62, 84))
        line(picture, (x, y), (x + 13, y - wing), 3, (70, 62, 84))
    zoom = 1.35 - 0.55 * share
    sea(picture, t, 5, ((232, 158, 120), (150, 118, 138), (86, 84, 124)), boat=(230, 0), zoom=zoom)
    return picture


def hilltop(t: int) -> Picture:
    """The ball has come home: it hops, and lands for good on frame 30."""
    picture = sky((120, 190, 226), (255, 222, 160))
    disc(picture, (320, 150), 150, (255, 236, 190), glow=170)
    disc(picture, (320, 150), 60, (255, 248, 224))
    ground(picture, ridge(300, 280, 20, 480), (140, 190, 140))
    hill = 250 + ((COLUMNS - 320) / 26) ** 2 * np.float32(0.7)
    ground(picture, hill, (76, 142, 92))
    hop = 90 * math.sin(math.pi * t / 30) if 0 <= t < 30 else 0.0
    squash = 1 - 0.3 * math.exp(-(t - 30) / 3) if t >= 30 else 1.0
    for petal in range(16 if t >= 30 else 0):
        angle, far = petal * math.pi / 8, 14 * math.sqrt(t - 29) + 40
        disc(
            picture,
            (320 + far * 1.6 * math.cos(angle), 214 - far * abs(math.sin(angle))),
            5,
            GOLD if petal % 2 else RED,
        )
    ball(picture, (320, 214 - hop + 36 * (1 - squash)), 36, t * 0.2, squash)
    return picture
