"""Renderer: visibility once, materials once, one deferred shade per weather."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.render.air import add_air
from carla_plugin.simulator.render.camera import Camera, axes, pixel_rays, projection
from carla_plugin.simulator.render.dressing import LampState
from carla_plugin.simulator.render.film import GAMMA, PLAIN_FILM, Film
from carla_plugin.simulator.render.flow import flow_between, motions_between
from carla_plugin.simulator.render.gbuffer import SIZE
from carla_plugin.simulator.render.geometry import Arrays, Placed, Pool
from carla_plugin.simulator.render.hiding import Bulbs
from carla_plugin.simulator.render.lights import LampPlaces, lights_near
from carla_plugin.simulator.render.lines import draw_segment
from carla_plugin.simulator.render.occlusion import occlude, sample_spirals, settle_occlusion
from carla_plugin.simulator.render.orient import orient
from carla_plugin.simulator.render.post import anti_alias, blur, develop, gaussian, halo, shrink, tone_curve
from carla_plugin.simulator.render.rays import Tracer
from carla_plugin.simulator.render.resolve import identify, resolve
from carla_plugin.simulator.render.shade import TILE, light_surfaces
from carla_plugin.simulator.render.shadow import TEXELS, ShadowMaps, draw_shadow, shadow_frames
from carla_plugin.simulator.render.sky import DOME_SIZE, fill_dome
from carla_plugin.simulator.render.visibility import chunks_in_view, rasterise
from carla_plugin.simulator.render.weather import (
    BLOOM,
    CALM_AIR,
    EXPOSURE,
    FOG_SIGMA,
    GRAIN,
    LAMPS,
    SATURATION,
    SHADOWS,
    SUN_TO,
    Air,
    appearance,
    digest,
)  # fmt: skip
from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters

_HALO = 0.014  # brightness of the fog around a lamp
_VIGNETTE = 0.42


class Frame:
    """Hold what a camera sees at one moment; weather is chosen afterwards and cannot change the mask.

    Attributes:
        tags: `(H, W)` uint8 CARLA tags; sky is 11.
        depth: `(H, W)` float32 metres along the optical axis, 1000 for sky.
        instances: `(H, W)` uint32: actor id, or 2^31 + part for static things, 0 for sky.
    """

    def __init__(
        self, renderer: Renderer, camera: Camera, placed: Sequence[Placed], signals: Sequence[int],
        hidden: frozenset[int], lamps: Mapping[int, LampState], gust: tuple[float, float],
    ) -> None:  # fmt: skip
        """See, and leave materials and light until a picture is asked for; see `Renderer.frame`."""
        self._renderer = renderer
        self._camera = camera
        self._placed = tuple(placed)
        self._hidden, self._gust = hidden, gust
        self._dark = frozenset(number for number, state in lamps.items() if state.lit is False)
        height, width = camera.height, camera.width
        self._rays, self._view = pixel_rays(camera), projection(camera)
        self._signals: NDArray[np.uint8] = np.asarray(signals, dtype=np.uint8).reshape(-1)
        self._triangle: NDArray[np.int32] = np.empty((height, width), np.int32)
        self._painted: NDArray[np.float32] | None = None
        self._kinds = np.empty((height, width), np.uint8)
        self.tags: NDArray[np.uint8] = np.empty((height, width), np.uint8)
        self.depth: NDArray[np.float32] = np.empty((height, width), np.float32)
        self.instances: NDArray[np.uint32] = np.empty((height, width), np.uint32)
        self._maps: dict[tuple[float, ...], ShadowMaps] = {}
        self._see()
        self._lights = lights_near(camera, renderer.lamps, self._placed, renderer.lamp_places, lamps)

    def normals(self) -> NDArray[np.float32]:
        """Return `(H, W, 3)` float32 unit normals in world axes, turned toward the camera; 0 for sky."""
        out = np.empty((self._camera.height, self._camera.width, 3), np.float32)
        a = self._arrays()
        self._renderer.in_bands(
            self._camera.height,
            lambda first, last: orient(
                a.position, a.normal, self._view, self._rays, first, last, self._triangle, out
            ),
        )  # fmt: skip
        return out

    @property
    def materials(self) -> NDArray[np.uint8]:
        """Return `(H, W)` uint8 `Material` of each pixel, 255 for sky."""
        return self._kinds

    def flow(self, camera: Camera, placed: Sequence[Placed]) -> NDArray[np.float32]:
        """Return `(H, W, 2)` float32: how what each pixel sees has moved, right and up, 2 being a whole image.

        Args:
            camera: where it was before; same size and field of view.
            placed: the actors as they were before.
        """
        motions = motions_between(self._placed, placed, self._renderer.pool.first_moving)
        position = self._arrays().position
        return flow_between(self._camera, camera, position, self._triangle, self.depth, self.instances, motions)

    def _arrays(self) -> Arrays:
        """Return the triangles of this frame's moment."""
        renderer = self._renderer
        renderer.pool.hide(self._hidden, self._gust)
        renderer.pool.place(self._placed)
        a = renderer.pool.arrays
        renderer.bulbs.switch_off(self._dark, a.material)
        return a

    def _see(self) -> None:
        """Find out which triangle each pixel sees, and what it is."""
        renderer, camera, a = self._renderer, self._camera, self._arrays()
        nearest = np.empty(len(a.bounds), np.float32)
        chunks_in_view(a.bounds, self._view, camera.width, camera.height, nearest)
        nearest[a.start == a.stop] = np.inf
        order = np.argsort(nearest, kind="stable")[: int(np.isfinite(nearest).sum())]
        inverse, triangle = renderer.scratch(camera.height, camera.width).inverse, self._triangle
        focal = float(camera.focal_px)

        def draw(first: int, last: int) -> None:
            inverse[first:last] = 0.0
            triangle[first:last] = -1
            rasterise(
                a.position, a.uvw, a.material, a.seed, a.start, a.stop, order, self._view, focal, camera.width,
                first, last, inverse, triangle,
            )  # fmt: skip
            identify(
                a.position, a.material, a.tag, a.instance, self._view, first, last, triangle, self._kinds, self.tags,
                self.depth, self.instances,
            )  # fmt: skip

        renderer.in_bands(camera.height, draw)

    def _paint(self) -> NDArray[np.float32]:
        """Return the G-buffer, filled when first asked for: masks do without."""
        if self._painted is not None:
            return self._painted
        renderer, camera, a = self._renderer, self._camera, self._arrays()
        buffer = renderer.take_buffer(camera.height, camera.width)
        weakref.finalize(self, renderer.spare.append, buffer)
        rough = renderer.scratch(camera.height, camera.width).rough
        focal = float(camera.focal_px)
        turn = axes(camera.transform.rotation)
        renderer.in_bands(
            camera.height,
            lambda first, last: resolve(
                a.position, a.normal, a.uvw, a.material, a.tag, a.colour, a.instance, a.seed, a.lights, self._signals,
                self._view, self._rays, focal, first, last, self._triangle, buffer, self._kinds, self.tags,
                self.depth, self.instances,
            ),
        )  # fmt: skip
        renderer.in_bands(
            camera.height,
            lambda first, last: occlude(
                turn, focal, renderer.spirals, first, last, self.depth, self._kinds, buffer, rough
            ),
        )
        renderer.in_bands(camera.height, lambda first, last: settle_occlusion(first, last, self.depth, rough, buffer))
        self._painted = buffer
        return buffer

    def shade(self, weather: WeatherParameters, air: Air = CALM_AIR, film: Film = PLAIN_FILM) -> NDArray[np.uint8]:
        """Return the picture under a weather as `(H, W, 4)` uint8 BGRA; equal calls give equal bytes.

        Args:
            weather: CARLA's 14 numbers.
            air: what they leave open.
            film: how it is developed.
        """
        renderer, camera, buffer = self._renderer, self._camera, self._paint()
        look = appearance(weather, air)
        seed = digest(tuple(camera.transform), camera.fov_deg, tuple(weather))
        maps = self._shadows(look)
        dome = renderer.dome(look)
        scratch = renderer.scratch(camera.height, camera.width)

        renderer.in_bands(
            camera.height,
            lambda first, last: light_surfaces(
                look, self._rays, first, last, buffer, self._kinds, self.depth, self._lights, dome,
                maps.frame, maps.height, maps.texel, scratch.lit,
            ),
        )  # fmt: skip
        renderer.in_bands(
            camera.height,
            lambda first, last: add_air(
                look, self._rays, self._view, first, last, seed, buffer, self._kinds, self.depth, dome,
                scratch.lit, scratch.air,
            ),
        )  # fmt: skip
        exposure, bloom = film.exposure * float(look[EXPOSURE]), film.bloom * float(look[BLOOM])
        vignette, grain = _VIGNETTE, float(look[GRAIN])
        if not film.effects:
            bloom = vignette = grain = 0.0
        if film.white != PLAIN_FILM.white:
            scratch.air *= np.array(film.white, np.float32)
        scratch.bloom(exposure)
        if look[LAMPS] > 0.25 and look[FOG_SIGMA] > 0.003:
            gain = _HALO * exposure / float(look[BLOOM])
            halo(look, self._rays, self.depth, self._lights, gain, scratch.small)
        curve = renderer.curve if film.gamma == GAMMA else renderer.curve ** np.float32(GAMMA / film.gamma)
        out = np.empty((camera.height, camera.width, 4), np.uint8)
        renderer.in_bands(
            camera.height,
            lambda first, last: develop(
                scratch.air, scratch.small, curve, exposure, bloom, vignette, float(look[SATURATION]), grain, seed,
                first, last, scratch.levels,
            ),
        )  # fmt: skip
        renderer.in_bands(camera.height, lambda first, last: anti_alias(scratch.levels, first, last, out))
        return out

    def _shadows(self, look: NDArray[np.float64]) -> ShadowMaps:
        """Return the shadow maps of a look's sun, drawn at most once per sun."""
        if look[SHADOWS] <= 0.02:
            return self._renderer.no_shadows
        key = tuple(float(x) for x in look[SUN_TO : SUN_TO + 3])
        maps = self._maps.get(key)
        if maps is None:
            self._renderer.pool.hide(self._hidden, self._gust)
            self._renderer.pool.place(self._placed)
            a = self._renderer.pool.arrays
            frames, texel, lowest = shadow_frames(self._camera, look[SUN_TO : SUN_TO + 3], self.depth)
            height = np.empty((2, TEXELS, TEXELS), np.float32)

            def draw(level: int) -> None:
                draw_shadow(
                    a.position, a.uvw, a.material, a.seed, a.bounds, a.start, a.stop, frames[level],
                    float(texel[level]), float(lowest[level]), height[level],
                )  # fmt: skip

            self._renderer.each(draw, (0, 1))
            maps = ShadowMaps(frames, height, texel)
            if len(self._maps) >= 3:
                self._maps.pop(next(iter(self._maps)))
            self._maps[key] = maps
        return maps


class _Scratch:
    """Keep the pictures between lit surfaces and bytes, so that they are allocated once per size."""

    def __init__(self, height: int, width: int) -> None:
        """Allocate for one size in pixels."""
        self.inverse = np.zeros((height, width), np.float32)
        self.rough = np.zeros((height, width), np.float32)
        self.lit = np.zeros((height, width, 3), np.float32)
        self.air = np.zeros((height, width, 3), np.float32)
        self.levels = np.zeros((height, width, 4), np.float32)
        self.small = np.zeros((-(-height // 4), -(-width // 4), 3), np.float32)
        self._first = np.zeros_like(self.small)
        self._second = np.zeros_like(self.small)
        self._narrow, self._wide = gaussian(1.1 * height / 256.0 + 0.3), gaussian(5.5 * height / 256.0 + 0.5)

    def bloom(self, exposure: float) -> None:
        """Write the light that bright places spill over their surroundings into `small`."""
        shrink(self.air, exposure, self._first)
        blur(self._first, self._narrow, 1, self._second, 1.0, 0.0)
        blur(self._second, self._narrow, 0, self.small, 1.0, 0.0)
        blur(self._first, self._wide, 1, self._second, 1.0, 0.0)
        blur(self._second, self._wide, 0, self.small, 1.3, 1.0)


class Renderer:
    """Draw a town and its actors on the CPU; one thread at a time may use it."""

    def __init__(self, scene: Mesh, lamps: NDArray[np.float32], *, threads: int = 1) -> None:
        """Take over the static scene.

        Args:
            scene: all that never moves, world axes.
            lamps: `(L, 3)` float32 heads of street lamps, world metres.
            threads: bands of rows drawn at once; the picture does not depend on it.
        """
        self.pool = Pool(scene)
        self.lamps = np.ascontiguousarray(lamps, dtype=np.float32).reshape(-1, 3)
        self.lamp_places = LampPlaces()
        static = self.pool.static_arrays()
        self.bulbs = Bulbs(self.lamps, static.position, static.material)
        self.curve = tone_curve()
        self.spirals = sample_spirals()
        self.no_shadows = ShadowMaps(np.zeros((2, 3, 4)), np.zeros((2, 8, 8), np.float32), np.ones(2))
        self._threads = max(1, threads)
        self._workers = ThreadPoolExecutor(self._threads, "render") if self._threads > 1 else None
        self.spare: deque[NDArray[np.float32]] = deque(maxlen=4)
        self._scratch: dict[tuple[int, int], _Scratch] = {}
        self._domes: dict[bytes, NDArray[np.float32]] = {}
        self._tracer: Tracer | None = None

    @property
    def signal_of_part(self) -> NDArray[np.int64]:
        """Return `(P,)` int64: which signal each part of the town is a head of, -1 for none."""
        return self.pool.signal_of_part

    @property
    def tracer(self) -> Tracer:
        """Return what sends rays into this town; made when first asked for."""
        if self._tracer is None:
            self._tracer = Tracer(self.pool, self.in_bands)
        return self._tracer

    def frame(
        self, camera: Camera, placed: Sequence[Placed], signals: Sequence[int], hidden: frozenset[int] = frozenset(),
        lamps: Mapping[int, LampState] = MappingProxyType({}), gust: tuple[float, float] = (0.0, 0.0),
    ) -> Frame:  # fmt: skip
        """Return what a camera sees.

        Args:
            camera: pose and size.
            placed: the actors; those with equal mesh object and transform as before cost nothing.
            signals: state of each signal by its number in the town: 0 red, 1 yellow, 2 green, 3 off.
            hidden: parts of the town that are left out.
            lamps: street lamps that shine in another way than they were built, by their number.
            gust: how leaves sway: metres that they are out of their place at most, and radians of the swing.
        """
        return Frame(self, camera, placed, signals, hidden, lamps, gust)

    def warm_up(self, progress: Callable[[str], None]) -> None:
        """Compile every kernel, or load it from numba's cache, by drawing a tiny picture of every material.

        Args:
            progress: told in a few words what is being compiled or loaded.
        """
        everything = _sampler()
        tiny = Renderer(everything, np.array([[6.0, 0.0, 5.0]], np.float32))
        camera = Camera(Transform(Location(0.0, 0.0, 1.5), Rotation()), 48, 32, 90.0)
        progress("compiling visibility and materials")
        frame = tiny.frame(camera, [Placed(1, everything, Transform(Location(9.0, 0.0, 0.0)), 1)], [0])
        progress("compiling light, weather and lens")
        wet = WeatherParameters(precipitation=60.0, precipitation_deposits=60.0, sun_altitude_angle=20.0)
        frame.shade(wet)
        frame.shade(wet._replace(sun_altitude_angle=-40.0, fog_density=50.0))
        progress("compiling rays")
        placed = [Placed(1, everything, Transform(Location(9.0, 0.0, 0.0)), 0)]
        tiny.tracer.trace(np.array([0.0, 0.0, 1.5]), np.eye(3), np.full(3, 50.0), placed, 1)
        frame.flow(camera, [])
        frame.normals()
        one = np.ones(3)
        draw_segment(np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.float32), one, one, one, 1.0, 1.0)

    def in_bands(self, height: int, draw: Callable[[int, int], None]) -> None:
        """Call draw(first row, row behind the last) over all rows, in bands of whole tiles."""
        if self._workers is None:
            draw(0, height)
            return
        tiles = -(-height // TILE)
        cuts = sorted({min(height, TILE * (tiles * i // self._threads)) for i in range(self._threads + 1)} | {height})
        list(self._workers.map(draw, cuts[:-1], cuts[1:]))

    def each(self, draw: Callable[[int], None], numbers: Sequence[int]) -> None:
        """Call draw with each number, at once where there are threads."""
        list(map(draw, numbers) if self._workers is None else self._workers.map(draw, numbers))

    def scratch(self, height: int, width: int) -> _Scratch:
        """Return the working pictures of a size; the four last used sizes are kept."""
        held = self._scratch.pop((height, width), None) or _Scratch(height, width)
        self._scratch[(height, width)] = held
        if len(self._scratch) > 4:
            self._scratch.pop(next(iter(self._scratch)))
        return held

    def take_buffer(self, height: int, width: int) -> NDArray[np.float32]:
        """Return room for a G-buffer, if possible one that a forgotten frame has left: fresh memory is slow."""
        for _ in range(len(self.spare)):
            buffer = self.spare.popleft()
            if buffer.shape[:2] == (height, width):
                return buffer
            self.spare.append(buffer)
        return np.empty((height, width, SIZE), np.float32)

    def dome(self, look: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the sky's dome of a look; a few are kept."""
        key = look.tobytes()
        if key not in self._domes:
            if len(self._domes) > 16:
                self._domes.clear()
            dome = np.empty((DOME_SIZE, DOME_SIZE, 3), np.float32)
            fill_dome(look, dome)
            self._domes[key] = dome
        return self._domes[key]


def _sampler() -> Mesh:
    """Return upright and level squares of every material, for warming up."""
    corners: list[tuple[float, float, float]] = []
    triangles: list[tuple[int, int, int]] = []
    materials: list[int] = []
    for kind in range(len(Material)):
        for level in (False, True):
            x, y, first = 3.0 + kind * 0.4, (kind % 5) - 2.0, len(corners)
            flat = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0))
            for a, b, _ in flat:
                corners.append((x + a, y + b, 0.0) if level else (x, y + a, 2.0 * b))
            triangles += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
            materials += [kind, kind]
    vertices = np.array(corners, np.float32)
    count = len(triangles)
    return Mesh(
        vertices, np.tile(np.array([0.0, 0.0, 1.0], np.float32), (len(vertices), 1)), vertices.copy(),
        np.array(triangles, np.int32), np.array(materials, np.uint8), np.ones(count, np.uint8),
        np.full((count, 3), 128, np.uint8), np.zeros(count, np.int32), np.arange(count, dtype=np.uint32),
    )  # fmt: skip
