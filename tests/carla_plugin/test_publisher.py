"""The publisher against a trainer's end made of a ROUTER and `flow.Consumer`."""

import threading

import numpy as np
import pytest

from carla_plugin.publisher import Publisher, StreamError
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.errors import InputError, RefusedError


def bundle(index: int, side: int = 16) -> Bundle:
    dice = np.random.default_rng(index)
    mask = dice.integers(0, 25, (side, side), dtype=np.uint8)
    images = dice.integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    header = BundleHeader("t", 1, 0, index, "Grid_01", ("noon", "night"), side, side, index, mask_hash(mask))
    return Bundle(header, images, mask)


def in_background(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_bundles_arrive_whole_and_in_order(trainers):
    trainer = trainers()
    publisher = Publisher(trainer.endpoint, "p", 1 << 20)
    sent = [bundle(index) for index in range(10)]

    def work():
        for one in sent:
            assert publisher.put(one)
        publisher.close()

    thread = in_background(work)
    trainer.pump(lambda t: len(t.bundles) == 10 and not t.consumer.producers)
    thread.join(10)
    assert not thread.is_alive()
    for one, got in zip(sent, trainer.bundles, strict=True):
        assert got.header.identity == one.header.identity
        assert np.array_equal(got.images, one.images)
        assert np.array_equal(got.mask, one.mask)


def test_without_credit_nothing_more_is_sent(trainers):
    trainer = trainers(slots=2)
    trainer.free = False
    publisher = Publisher(trainer.endpoint, "p", 1 << 20)
    for index in range(2):
        publisher.put(bundle(index))
        trainer.pump(lambda t, count=index + 1: len(t.bundles) == count)
    publisher.put(bundle(2))  # taken over, but kept back
    assert not trainer.socket.poll(400) or len(trainer.socket.recv_multipart()) == 2  # at most a heartbeat
    trainer.send(trainer.consumer.freed([0]))
    trainer.pump(lambda t: len(t.bundles) == 3)
    publisher.abandon()


def test_stop_ends_the_stream(trainers):
    trainer = trainers()
    publisher = Publisher(trainer.endpoint, "p", 1 << 20)
    publisher.put(bundle(0))
    trainer.pump(lambda t: len(t.bundles) == 1)
    trainer.send(trainer.consumer.stop())
    results = []

    def work():
        for index in range(1, 50):
            results.append(publisher.put(bundle(index)))
            if not results[-1]:
                break
        publisher.close()

    thread = in_background(work)
    trainer.pump(lambda t: not t.consumer.producers)
    thread.join(10)
    assert results[-1] is False


def test_a_new_trainer_gets_what_the_old_one_did_not_acknowledge(trainers):
    trainer = trainers()
    publisher = Publisher(trainer.endpoint, "p", 1 << 20)
    publisher.put(bundle(0))
    trainer.pump(lambda t: len(t.bundles) == 1)
    port = int(trainer.endpoint.rpartition(":")[2])
    trainer.socket.close(linger=0)
    publisher.put(bundle(1))
    other = trainers(port=port)
    other.pump(lambda t: [one.header.index for one in t.bundles][-1:] == [1])
    assert [one.header.index for one in other.bundles] in ([1], [0, 1])  # 0 again if its acknowledgement was lost
    publisher.abandon()


def test_no_trainer():
    publisher = Publisher("tcp://127.0.0.1:9", "p", 1 << 20, patience_s=0.3)
    publisher.put(bundle(0))
    with pytest.raises(StreamError, match=r"no trainer at tcp://127.0.0.1:9: expected a welcome within"):
        publisher.close()


def test_refusal_in_the_trainers_words(trainers):
    trainer = trainers(max_bytes=100)
    publisher = Publisher(trainer.endpoint, "p", 1 << 20)
    publisher.put(bundle(0))
    assert trainer.socket.poll(5000)
    peer, *frames = trainer.socket.recv_multipart()
    trainer.send(trainer.consumer.receive(peer, frames[0])[0])
    with pytest.raises(RefusedError, match="slots here hold 100"):
        publisher.close()


def test_not_an_address():
    with pytest.raises(InputError, match="expected an address"):
        Publisher("nonsense", "p", 1)
