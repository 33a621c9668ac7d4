"""A stand-in for `carla_plugin.cli` in a process of its own: the same command line and stream, no simulator.

Environment: `STAND_IN_FAULT` names the fault to show.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

import zmq

from protocols.bundle import encode_bundle
from protocols.flow import Producer

sys.path.insert(0, str(Path(__file__).parent))
from conftest import make_bundle

FAULT = os.environ.get("STAND_IN_FAULT", "")
SIZE = (32, 64)


def leave_with_stdin() -> None:
    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def simulate() -> int:
    if FAULT == "simulator cannot start":
        print("carla-plugin: no kernels today", file=sys.stderr)
        return 3
    print("building", flush=True)
    print("ready on 127.0.0.1:4", flush=True)
    threading.Event().wait()
    return 0


def stream(arguments: argparse.Namespace) -> int:
    unseen = arguments.scenario == "town_unseen"
    town, other = ("Grid_02", 10_000) if unseen and FAULT != "same town" else ("Grid_01", 0)
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(arguments.to)
    producer = Producer("stand-in@1", f"{os.getpid()}", SIZE[0] * SIZE[1] * 20)
    socket.send_multipart(producer.hello())
    sent = 0
    while not producer.stopped and not (sent == arguments.bundles and not producer.pending):
        if socket.poll(10):
            producer.receive(socket.recv_multipart())
        while sent < arguments.bundles and (index := producer.next_wanted()) is not None:
            bundle = make_bundle(index, *SIZE, town=town, other=other)
            socket.send_multipart(producer.send(index, encode_bundle(bundle)))
            sent += 1
            if FAULT == "plugin killed" and not unseen and sent == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            if FAULT == "plugin fails" and not unseen and sent == 5:
                print("carla-plugin: simulator at 127.0.0.1:4: connection lost", file=sys.stderr)
                return 3
    Path(arguments.json).write_text(json.dumps({"bundles": sent, "masks_checked": 4 * sent, "masks_refused": 0}))
    context.destroy(linger=500)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stay-with-stdin", action="store_true", required=True)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("simulate").add_argument("--port")
    streaming = commands.add_parser("stream")
    streaming.add_argument("scenario")
    for name in ("--server", "--to", "--episodes", "--seed", "--json", "--wait", "--monitor"):
        streaming.add_argument(name)
    streaming.add_argument("--bundles", type=int, default=10**9)
    commands.add_parser("preview").add_argument("--from")
    words = [word for word in sys.argv[1:] if word != "--stay-with-stdin"]
    arguments = parser.parse_args(["--stay-with-stdin", *words] if len(words) < len(sys.argv[1:]) else words)
    leave_with_stdin()
    if arguments.command == "preview":
        return 1
    return simulate() if arguments.command == "simulate" else stream(arguments)


if __name__ == "__main__":
    sys.exit(main())
