"""The preview against a monitor: newest only, a restarted plugin is found again, nobody waits for a viewer."""

import os

import numpy as np
import pytest

os.environ["SDL_VIDEODRIVER"] = "dummy"

import pygame

from carla_plugin.monitor import Monitor
from carla_plugin.preview import Viewer, show
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.errors import InputError
from protocols.labels import palette

NAMES = ("noon", "night", "fog", "rain")
COLOURS = np.array([(250, 10, 10), (10, 250, 10), (10, 10, 250), (200, 200, 10)], dtype=np.uint8)


def bundle(index: int, tag: int = 7) -> Bundle:
    mask = np.full((32, 64), tag, dtype=np.uint8)
    images = np.broadcast_to(COLOURS[:, None, None, :], (4, 32, 64, 3)).copy()
    header = BundleHeader("t", 1, 0, index, "Grid_01", NAMES, 32, 64, index, mask_hash(mask))
    return Bundle(header, images, mask)


def wait_for(viewer: Viewer, index: int) -> None:
    for _ in range(400):
        viewer.poll(50)
        if viewer.newest.bundle is not None and viewer.newest.bundle.header.index == index:
            return
    raise AssertionError(f"bundle {index} never came")


@pytest.fixture
def monitor():
    monitor = Monitor("tcp://127.0.0.1:*")
    yield monitor
    monitor.close()


def test_snapshot_shows_all_appearances_and_the_mask(monitor, tmp_path):
    monitor.put(bundle(0))
    file = tmp_path / "bundle.png"
    assert show(monitor.endpoint, snapshot=str(file)) == 1
    picture = pygame.surfarray.array3d(pygame.image.load(str(file))).transpose(1, 0, 2)
    seen = {tuple(int(value) for value in pixel) for pixel in picture[::3, ::3].reshape(-1, 3)}
    assert {tuple(int(value) for value in colour) for colour in COLOURS} <= seen
    assert tuple(int(value) for value in palette()[7]) in seen


def test_only_the_newest_is_answered(monitor):
    for index in range(5):
        assert monitor.put(bundle(index))
    viewer = Viewer(monitor.endpoint)
    wait_for(viewer, 4)
    assert viewer.newest.received == 1
    monitor.put(bundle(5, tag=14))
    wait_for(viewer, 5)
    assert np.array_equal(viewer.newest.bundle.mask, bundle(5, tag=14).mask)
    viewer.close()


def test_a_restarted_plugin_is_found_again(monitor):
    monitor.put(bundle(1))
    viewer = Viewer(monitor.endpoint)
    wait_for(viewer, 1)
    monitor.close()
    again = Monitor(monitor.endpoint)
    again.put(bundle(9))
    wait_for(viewer, 9)
    again.close()
    viewer.close()


def test_viewers_that_never_read_do_not_hold_up_the_stream(monitor):
    viewers = [Viewer(monitor.endpoint) for _ in range(3)]
    for viewer in viewers:
        viewer.poll(0)  # asks, and never reads the answer
    for index in range(200):
        assert monitor.put(bundle(index))
    for viewer in viewers:
        viewer.close()


def test_noise_is_not_answered(monitor):
    import zmq

    monitor.put(bundle(0))
    with zmq.Context() as context, context.socket(zmq.DEALER) as noise:
        noise.connect(monitor.endpoint)
        for message in ([b""], [b"\xc1"], [b"a", b"b"], [b"\x81\xa4kind\x01"]):
            noise.send_multipart(message)
        viewer = Viewer(monitor.endpoint)
        wait_for(viewer, 0)
        viewer.close()
        assert not noise.poll(0)


def test_faults_of_the_user(monitor, tmp_path):
    with pytest.raises(InputError, match="expected an address"):
        Viewer("nonsense")
    with pytest.raises(InputError, match="expected a free address"):
        Monitor(monitor.endpoint)
    with pytest.raises(InputError, match="expected a folder that exists"):
        show(monitor.endpoint, snapshot=str(tmp_path / "none" / "x.png"))
