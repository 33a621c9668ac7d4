"""Both ends of each way to bring bundles from one process to another, ours and rivals', each in a process of its own.

`stream.py` starts them. The rivals are ours too, written as their documentation shows them; pytorch-blender's own code
is not here.
"""

from __future__ import annotations

import json
import pickle
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import AF_INET, AF_UNIX

import numpy as np
import zmq

from carla_plugin.publisher import Publisher
from carla_plugin.rooms import Shape
from harness import BundleStream
from harness.keys import make_keys
from protocols.bundle import Bundle, BundleHeader, decode_header, encode_bundle, mask_hash, places

APPEARANCES = ("noon", "night", "rain", "fog")
SOURCES = 4
"""Bundles that are sent in turn, so that none is still in the processor's cache."""

Tell = Callable[[str], None]
Counts = dict[str, float]


def usage() -> tuple[float, float, float]:
    """Return time, CPU seconds and page faults of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime, float(used.ru_minflt)


def measured(steps: Iterator[object], count: int, warm: int) -> Counts:
    """Run `count` steps and return what all but the first `warm` of them took."""
    before = usage()
    for number in range(count):
        if number == warm:
            before = usage()
        next(steps)
    after = usage()
    seconds, cpu, faults = (b - a for a, b in zip(before, after, strict=True))
    return {"per_s": (count - warm) / seconds, "cpu_s": cpu / (count - warm), "faults": faults / (count - warm)}


def sources(height: int, width: int) -> list[Bundle]:
    """Return bundles of smooth pictures with a little noise, as a camera's."""
    dice = np.random.default_rng(0)
    slope = np.linspace(0, 200, width, dtype=np.float32)[None, :, None] + np.arange(3, dtype=np.float32) * 20
    noise = dice.standard_normal((height, width, 3), dtype=np.float32) * 2
    picture = np.clip(slope + noise, 0, 255).astype(np.uint8)
    found = []
    for number in range(SOURCES):
        images = np.stack([np.roll(picture, 7 * number + shift, axis=1) for shift in range(len(APPEARANCES))])
        cells = dice.integers(0, 20, (height // 32, width // 32)).astype(np.uint8)
        mask = np.kron(cells, np.ones((32, 32), np.uint8))
        header = BundleHeader("bench", 1, 0, number, "T", APPEARANCES, height, width, 0, mask_hash(mask))
        found.append(Bundle(header, images, mask))
    return found


def slot_bytes(height: int, width: int) -> int:
    """Return the bytes of a bundle, and a little more."""
    return height * width * 13 + 4096


def renumbered(bundle: Bundle, index: int) -> Bundle:
    """Return the same pictures under another index."""
    values = {**bundle.header.__dict__, "index": index}
    return Bundle(BundleHeader(**values), bundle.images, bundle.mask)


# --- ours ---------------------------------------------------------------------------------------------------------


def consume_ours(method: str, height: int, width: int, tell: Tell, folder: Path) -> Iterator[object]:
    """Take bundles out of a `BundleStream`, each in its slot."""
    address = "tcp://127.0.0.1:*" if method.startswith("tcp") else f"ipc://{folder}/bundles"
    if method == "tcp+CURVE":
        make_keys(folder / "keys", ["plugin"])
    with BundleStream(
        address,
        max_bundle_bytes=slot_bytes(height, width),
        shared=method == "shared memory",
        keys=folder / "keys" / "trainer" if method == "tcp+CURVE" else None,
    ) as stream:
        tell(stream.endpoint)
        while True:
            slot = stream.take()
            yield slot.bundle
            stream.give_back(slot.memory)


def produce_ours(method: str, height: int, width: int, endpoint: str, folder: Path) -> Iterator[object]:
    """Put bundles into a `Publisher`; over shared memory the one copy is the one a conversion makes."""
    keys = folder / "keys" / "plugin" if method == "tcp+CURVE" else None
    publisher = Publisher(endpoint, "bench@1", slot_bytes(height, width), keys=keys)
    bundles, index = sources(height, width), -1
    while (index := publisher.next_wanted(index)) is not None:
        bundle = renumbered(bundles[index % SOURCES], index)
        if method == "shared memory":
            room = publisher.room(index, Shape(len(APPEARANCES), height, width))
            np.copyto(room.images, bundle.images)
            np.copyto(room.mask, bundle.mask)
            bundle = Bundle(bundle.header, room.images, room.mask)
        yield publisher.put(bundle)
    publisher.abandon()
    while True:
        yield None


# --- rivals -------------------------------------------------------------------------------------------------------


def consume_push_pull(method: str, height: int, width: int, tell: Tell, folder: Path) -> Iterator[object]:
    """Receive our frames without credit: PULL, into slots."""
    pipe = zmq.Context.instance().socket(zmq.PULL)
    pipe.set(zmq.RCVHWM, 4)
    pipe.bind("tcp://127.0.0.1:*" if "tcp" in method else f"ipc://{folder}/bundles")
    tell(pipe.get(zmq.LAST_ENDPOINT).decode())
    ring = [np.empty(slot_bytes(height, width), np.uint8) for _ in range(6)]
    number = 0
    while True:
        header = decode_header(pipe.recv())
        memory = ring[number % len(ring)].data
        for plane, start in zip(header.planes, places(header.planes)[:-1], strict=True):
            pipe.recv_into(memory[start : start + plane.nbytes])
        number += 1
        yield memory


def produce_push_pull(method: str, height: int, width: int, endpoint: str, folder: Path) -> Iterator[object]:
    """Send our frames without credit."""
    pipe = zmq.Context.instance().socket(zmq.PUSH)
    pipe.set(zmq.SNDHWM, 4)
    pipe.connect(endpoint)
    bundles = sources(height, width)
    index = 0
    while True:
        pipe.send_multipart(encode_bundle(renumbered(bundles[index % SOURCES], index)), copy=False)
        index += 1
        yield None


def consume_bare(method: str, height: int, width: int, tell: Tell, folder: Path) -> Iterator[object]:
    """Receive nothing but bytes into slots, from one socket of the kernel: what no stream over it can beat."""
    family, address = (AF_INET, ("127.0.0.1", 0)) if "tcp" in method else (AF_UNIX, f"{folder}/bare")
    with socket.socket(family) as listening:
        listening.bind(address)
        listening.listen()
        tell(json.dumps(listening.getsockname()))
        connection, _ = listening.accept()
    ring = [np.empty(height * width * 13, np.uint8) for _ in range(6)]
    number = 0
    with connection:
        while True:
            left = ring[number % len(ring)].data
            while left:
                left = left[connection.recv_into(left) :]
            number += 1
            yield None


def produce_bare(method: str, height: int, width: int, endpoint: str, folder: Path) -> Iterator[object]:
    """Send nothing but the bytes of the planes, one after the other."""
    address = json.loads(endpoint)
    bundles = sources(height, width)
    with socket.socket(AF_UNIX if isinstance(address, str) else AF_INET) as connection:
        connection.connect(address if isinstance(address, str) else tuple(address))
        number = 0
        while True:
            bundle = bundles[number % SOURCES]
            connection.sendall(bundle.images.data.cast("B"))
            connection.sendall(bundle.mask.data.cast("B"))
            number += 1
            yield None


def consume_pickle(method: str, height: int, width: int, tell: Tell, folder: Path) -> Iterator[object]:
    """Receive pickled dicts: PULL, as pytorch-blender's documentation has it."""
    pipe = zmq.Context.instance().socket(zmq.PULL)
    pipe.set(zmq.RCVHWM, 10)
    pipe.bind("tcp://127.0.0.1:*")
    tell(pipe.get(zmq.LAST_ENDPOINT).decode())
    while True:
        yield pickle.loads(pipe.recv())


def produce_pickle(method: str, height: int, width: int, endpoint: str, folder: Path) -> Iterator[object]:
    """Send pickled dicts."""
    pipe = zmq.Context.instance().socket(zmq.PUSH)
    pipe.set(zmq.SNDHWM, 10)
    pipe.set(zmq.IMMEDIATE, 1)
    pipe.connect(endpoint)
    bundles = sources(height, width)
    index = 0
    while True:
        bundle = bundles[index % SOURCES]
        pipe.send_pyobj({"images": list(bundle.images), "mask": bundle.mask, "frameid": index})
        index += 1
        yield None


def consume_grpc(method: str, height: int, width: int, tell: Tell, folder: Path) -> Iterator[object]:
    """Ask for bundles one after the other, one message each."""
    import grpc

    address = folder / "grpc"
    tell(str(address))
    while not (address.exists() and address.read_text()):
        time.sleep(0.01)
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(address.read_text(), options=options) as channel:
        ask = channel.unary_stream("/bench/bundles", request_serializer=None, response_deserializer=None)
        shape = (len(APPEARANCES), height, width, 3)
        end = int(np.prod(shape))
        for message in ask(b""):
            yield np.frombuffer(message, np.uint8, end).reshape(shape), np.frombuffer(message, np.uint8, offset=end)


def produce_grpc(method: str, height: int, width: int, endpoint: str, folder: Path) -> Iterator[object]:
    """Serve bundles as a stream of messages."""
    import queue
    from concurrent import futures

    import grpc

    bundles = sources(height, width)
    due: queue.Queue[int] = queue.Queue(4)

    def stream(request: bytes, context: object) -> Iterator[bytes]:
        while True:
            bundle = bundles[due.get() % SOURCES]
            yield b"".join((bundle.images.data, bundle.mask.data))

    server = grpc.server(futures.ThreadPoolExecutor(1), options=[("grpc.max_send_message_length", -1)])
    handler = grpc.unary_stream_rpc_method_handler(stream)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench", {"bundles": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    Path(endpoint).write_text(f"127.0.0.1:{port}")
    index = 0
    while True:
        due.put(index)
        index += 1
        yield None


def alone_memcpy(height: int, width: int) -> Iterator[object]:
    """Copy bundles into slots that are there: the limit."""
    bundles = sources(height, width)
    ring = [(np.zeros_like(bundles[0].images), np.zeros_like(bundles[0].mask)) for _ in range(6)]
    number = 0
    while True:
        images, mask = ring[number % len(ring)]
        np.copyto(images, bundles[number % SOURCES].images)
        np.copyto(mask, bundles[number % SOURCES].mask)
        number += 1
        yield None


def alone_files(method: str, height: int, width: int, count: int) -> Counts:
    """Write files as PNG or npy, then read them through a DataLoader with one worker; all in the page cache."""
    import cv2
    import torch
    from torch.utils.data import DataLoader, Dataset

    bundles = sources(height, width)
    kind = method.split()[0]

    def save(path: str, array: np.ndarray) -> None:
        if kind == "npy":
            np.save(path, array)
        else:
            cv2.imwrite(path, array, [cv2.IMWRITE_PNG_COMPRESSION, 1])

    def load(path: str) -> np.ndarray:
        return np.load(path) if kind == "npy" else cv2.imread(path, cv2.IMREAD_UNCHANGED)

    class Files(Dataset):
        def __len__(self) -> int:
            return count

        def __getitem__(self, index: int) -> list[torch.Tensor]:
            return [torch.from_numpy(load(f"{folder}/{index}_{name}.{kind}")) for name in (0, 1, 2, 3, "mask")]

    with tempfile.TemporaryDirectory() as folder:
        began = usage()
        for index in range(count):
            bundle = bundles[index % SOURCES]
            for name, image in enumerate(bundle.images):
                save(f"{folder}/{index}_{name}.{kind}", image)
            save(f"{folder}/{index}_mask.{kind}", bundle.mask)
        written = usage()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in DataLoader(Files(), batch_size=None, num_workers=1):
            pass
        read = usage()
        workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = read[1] - began[1] + workers.ru_utime + workers.ru_stime - children.ru_utime - children.ru_stime
    slower = max(written[0] - began[0], read[0] - written[0])
    return {
        "per_s": count / slower, "cpu_s": cpu / count, "faults": (read[2] - began[2]) / count,
        "written_per_s": count / (written[0] - began[0]), "read_per_s": count / (read[0] - written[0]),
    }  # fmt: skip


def waiting(height: int, width: int, folder: Path, tell: Tell, count: int, step_s: float) -> Counts:
    """Take a bundle each `step_s` from a producer that is faster, and return the waits in ms."""
    waits = []
    with BundleStream(f"ipc://{folder}/bundles", max_bundle_bytes=slot_bytes(height, width)) as stream:
        tell(stream.endpoint)
        for number in range(count):
            began = time.perf_counter()
            slot = stream.take()
            if number >= 10:
                waits.append(1000 * (time.perf_counter() - began))
            stream.give_back(slot.memory)
            time.sleep(step_s)
    return {"p50_ms": float(np.percentile(waits, 50)), "p95_ms": float(np.percentile(waits, 95)), "per_s": 0.0}


def ends(method: str) -> tuple[Callable[..., Iterator[object]], Callable[..., Iterator[object]]]:
    """Return the functions of a method's two ends."""
    if method.startswith("bare socket"):
        return consume_bare, produce_bare
    if method.startswith("pickle"):
        return consume_pickle, produce_pickle
    if method.startswith("without credit"):
        return consume_push_pull, produce_push_pull
    if method.startswith("gRPC"):
        return consume_grpc, produce_grpc
    return consume_ours, produce_ours


def main() -> None:
    """Be one end, and print what it took as JSON."""
    end, method, height, width, count, warm, folder, *endpoint = sys.argv[1:]
    size, home = (int(height), int(width)), Path(folder)
    steps: Iterator[object]

    def tell(address: str) -> None:
        print(address, flush=True)

    if end == "alone" and method == "memcpy":
        found = measured(alone_memcpy(*size), int(count), int(warm))
    elif end == "alone":
        found = alone_files(method, *size, int(count))
    elif end == "consume" and method == "waiting":
        found = waiting(*size, home, tell, int(count), 0.05)
    elif end == "consume":
        steps = ends(method)[0](method, *size, tell, home)
        found = measured(steps, int(count), int(warm))
    else:
        steps = ends(method)[1](method, *size, endpoint[0], home)
        found = measured(steps, int(count), int(warm))
        print(json.dumps(found), flush=True)
        while True:  # until it is ended, so that what is under way arrives
            next(steps)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
