"""Generated street scenes by day, night and in haze: warm objects show in the infrared, markings in the visible only."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from fusionbench.data.demo.canvas import Scene, box, ellipse, fractal, glow, grid, paint, texture, to_uint8

CAR, PERSON = 1, 2  # class numbers as in MSRS


class Street:
    """A street painted into three aligned images: visible, infrared and class numbers."""

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self.rng = rng
        self.y, self.x = grid(height, width)
        self.shape = (height, width)
        self.horizon = height * rng.uniform(0.38, 0.48)
        self.vanishing = width * rng.uniform(0.4, 0.6)
        self.night = bool(rng.random() < 0.5)
        self.hazy = bool(rng.random() < (0.2 if self.night else 0.5))
        self.visible = np.zeros((height, width, 3))
        self.infrared = np.zeros((height, width))
        self.label = np.zeros((height, width), np.uint8)
        self.lights = np.zeros((height, width))

    def sky(self) -> None:
        rise = np.clip(self.y / self.horizon, 0, 1)[..., None]
        clouds = 0.06 * fractal(self.rng, self.shape, 30)[..., None]
        self.visible[:] = (
            (1 - rise) * np.array([0.35, 0.52, 0.80]) + rise * np.array([0.80, 0.84, 0.88]) + clouds
        )
        self.infrared[:] = 0.10 + 0.10 * rise[..., 0] + 0.015 * fractal(self.rng, self.shape, 40)

    def ground(self) -> None:
        below = self.y >= self.horizon
        depth = np.clip((self.y - self.horizon) / (self.shape[0] - self.horizon), 0, 1)
        grain = 0.05 * texture(self.rng, self.shape, 0.8)
        grass = (
            np.array([0.30, 0.42, 0.20])[None, None]
            + (grain + 0.05 * fractal(self.rng, self.shape, 12))[..., None]
        )
        self.visible[below] = grass[below]
        self.infrared[below] = (0.30 + 0.05 * fractal(self.rng, self.shape, 14))[below]
        half = self.shape[1] * (0.03 + 0.55 * depth)
        road = below & (np.abs(self.x - self.vanishing) < half)
        self.visible[road] = (0.36 + 0.5 * grain)[road][:, None]
        self.infrared[road] = (0.42 + 0.4 * grain)[road]
        self._markings(depth, half, road)

    def _markings(self, depth: np.ndarray, half: np.ndarray, road: np.ndarray) -> None:
        """Paint lines on the road, which are nearly invisible in the infrared."""
        offset = np.abs(self.x - self.vanishing) / half
        dashes = np.mod(np.log(depth + 0.05) * 4, 1) < 0.5
        lines = road & (((offset < 0.025) & dashes) | (np.abs(offset - 0.92) < 0.025))
        self.visible[lines] = 0.88
        self.infrared[lines] += 0.015

    def buildings(self) -> None:
        left = -10.0
        while left < self.shape[1]:
            width, height = self.rng.uniform(28, 75), self.rng.uniform(0.35, 0.95) * self.horizon
            if self.rng.random() < 0.75:
                self._building(left, width, height)
            left += width + self.rng.uniform(-4, 14)

    def _building(self, left: float, width: float, height: float) -> None:
        top = self.horizon - height
        body = box(self.y, self.x, top, left, height + 3, width)
        color = self.rng.uniform(0.30, 0.68) + self.rng.uniform(-0.07, 0.07, 3)
        bricks = 0.02 * ((np.mod(self.y, 4) < 1) | (np.mod(self.x + 3 * (np.mod(self.y, 8) < 4), 6) < 1))
        self.visible[body] = (
            color - bricks[..., None] + 0.02 * texture(self.rng, self.shape, 0.7)[..., None]
        )[body]
        self.infrared[body] = (self.rng.uniform(0.28, 0.42) + 0.02 * fractal(self.rng, self.shape, 9))[body]
        for row in np.arange(top + 6, self.horizon - 8, 14):
            for column in np.arange(left + 5, left + width - 8, 12):
                self._window(row, column)

    def _window(self, row: float, column: float) -> None:
        pane = box(self.y, self.x, row, column, 8, 6)
        lit = self.night and self.rng.random() < 0.35
        self.visible[pane] = np.array([1.0, 0.86, 0.55]) if lit else np.array([0.16, 0.20, 0.26])
        self.lights[pane] = 0.9 if lit else 0
        self.infrared[pane] += self.rng.uniform(0.02, 0.10)

    def trees(self) -> None:
        for _ in range(self.rng.integers(2, 6)):
            side = self.rng.choice([-1, 1])
            cx = self.vanishing + side * self.rng.uniform(0.22, 0.6) * self.shape[1]
            radius = self.rng.uniform(12, 30)
            cy = self.horizon - radius * 0.7
            trunk = box(self.y, self.x, cy, cx - 2, radius * 1.6, 4)
            paint(self.visible, trunk, (0.25, 0.18, 0.12))
            paint(self.infrared, trunk, 0.36)
            rough = radius * (1 + 0.16 * texture(self.rng, self.shape, 2.5))
            crown = np.hypot(self.y - cy, self.x - cx) < rough
            leaves = 0.10 * fractal(self.rng, self.shape, 3)
            self.visible[crown] = (np.array([0.18, 0.34, 0.14]) + leaves[..., None])[crown]
            self.infrared[crown] = (0.27 + 0.35 * leaves)[crown]

    def scale(self, bottom: float) -> float:
        """Return the relative size of an object at row ``bottom``: 1 at the lower border, 0 at the horizon."""
        return (bottom - self.horizon) / (self.shape[0] - self.horizon)

    def cars(self) -> None:
        for bottom in np.sort(
            self.rng.uniform(self.horizon + 22, self.shape[0] - 12, self.rng.integers(1, 4))
        ):
            size = 78 * self.scale(bottom) + 12
            lane = self.rng.choice([-0.5, 0.5]) * self.shape[1] * 0.5 * self.scale(bottom)
            self._car(bottom, self.vanishing + lane, size)

    def _car(self, bottom: float, cx: float, size: float) -> None:
        y, x = self.y, self.x
        body = box(y, x, bottom - 0.45 * size, cx - size / 2, 0.36 * size, size)
        roof = box(y, x, bottom - 0.72 * size, cx - 0.36 * size, 0.3 * size, 0.72 * size)
        glass = box(y, x, bottom - 0.67 * size, cx - 0.31 * size, 0.19 * size, 0.62 * size)
        left, right = (
            box(y, x, bottom - 0.14 * size, cx + s * 0.38 * size - 0.08 * size, 0.14 * size, 0.16 * size)
            for s in (-1, 1)
        )
        wheels = left | right
        color = self.rng.uniform(0.1, 0.9, 3) * 0.7 + 0.1
        for part, visible, infrared in (
            (roof, color * 0.9, 0.40),
            (body, color, 0.47),
            (glass, (0.12, 0.15, 0.18), 0.33),
            (wheels, (0.05, 0.05, 0.05), 0.74),
        ):
            paint(self.visible, part, visible)
            paint(self.infrared, part, infrared)
            self.label[part] = CAR
        self.infrared += 0.38 * glow(y, x, bottom - 0.28 * size, cx, 0.15 * size)  # the engine
        self._lamps(bottom - 0.32 * size, cx, size)

    def _lamps(self, row: float, cx: float, size: float) -> None:
        for side in (-0.38, 0.38):
            lamp = ellipse(self.y, self.x, row, cx + side * size, 0.06 * size + 1, 0.08 * size + 1)
            paint(self.visible, lamp, (1.0, 0.97, 0.88))
            if self.night:
                near, far = (glow(self.y, self.x, row, cx + side * size, r * size) for r in (0.16, 0.5))
                self.lights = np.maximum(self.lights, np.maximum(near * 1.3, far * 0.55))

    def people(self) -> None:
        for _ in range(self.rng.integers(2, 6)):
            bottom = self.rng.uniform(self.horizon + 14, self.shape[0] - 6)
            height = 74 * self.scale(bottom) + 14
            self._person(bottom, self.rng.uniform(0.06, 0.94) * self.shape[1], height)

    def _person(self, bottom: float, cx: float, height: float) -> None:
        y, x = self.y, self.x
        head = ellipse(y, x, bottom - 0.90 * height, cx, 0.09 * height, 0.075 * height)
        torso = ellipse(y, x, bottom - 0.62 * height, cx, 0.22 * height, 0.13 * height)
        stride = self.rng.uniform(0.02, 0.09) * height
        left, right = (
            box(y, x, bottom - 0.45 * height, cx + s * stride - 0.045 * height, 0.45 * height, 0.09 * height)
            for s in (-1, 1)
        )
        legs = left | right
        clothes = self.rng.uniform(0.08, 0.5, (2, 3))
        for part, visible, infrared in (
            (legs, clothes[0], 0.80),
            (torso, clothes[1], 0.86),
            (head, (0.72, 0.56, 0.46), 0.97),
        ):
            paint(self.visible, part, visible)
            paint(self.infrared, part, infrared + 0.02 * self.rng.standard_normal())
            self.label[part] = PERSON

    def finish(self) -> Scene:
        """Return the scene with the illumination, haze and noise of each camera."""
        visible = np.clip(self.visible, 0, 1)
        if self.night:
            visible = visible * np.array([0.13, 0.14, 0.18]) + np.clip(self.lights, 0, 1.2)[
                ..., None
            ] * np.array([1.0, 0.93, 0.78])
            visible += 0.012 * self.rng.standard_normal(visible.shape)
        if self.hazy:
            visible = self._haze(visible)
        visible += 0.008 * self.rng.standard_normal(visible.shape)
        infrared = gaussian_filter(np.clip(self.infrared, 0, 1), 0.9) + 0.012 * self.rng.standard_normal(
            self.shape
        )
        return Scene(to_uint8(infrared), to_uint8(visible), ("ir", "vi"), self.label)

    def _haze(self, visible: np.ndarray) -> np.ndarray:
        """Return the visible image with haze, denser towards the horizon, which does not affect the infrared."""
        distance = np.exp(-np.abs(self.y - self.horizon) / (0.35 * self.shape[0]))
        density = np.clip(0.75 * distance + 0.16 * fractal(self.rng, self.shape, 35), 0, 0.9)[..., None]
        return visible * (1 - density) + density * (0.25 if self.night else 0.78)


def street_pair(rng: np.random.Generator, height: int, width: int) -> Scene:
    """Return a street scene with a infrared, b visible, and a class map."""
    street = Street(rng, height, width)
    for draw in (street.sky, street.buildings, street.ground, street.trees, street.cars, street.people):
        draw()
    return street.finish()
