"""Parcels: packed samples as bytes and back, to send them to another process; no pickle, no code in them.

A parcel is a header (msgpack) and one row of bytes with all tensors behind each other. What several samples share, as
all appearances of a bundle share their label, goes once, and is shared again on the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from protocols.errors import InputError

Sample = dict[str, list[Any]]
"""What a pipeline ends with: `inputs`, tensors of any type, and as many `data_samples`."""

ALIGNED = 8
"""Bytes: every tensor begins at a multiple, so that it can be looked at where it is."""
TUPLE = 1


def encode(samples: Sequence[Sample]) -> tuple[bytes, Tensor]:
    """Return header and payload, `(N,)` uint8, of samples.

    Args:
        samples: whose `data_samples` hold `PixelData` of tensors; beside it text, numbers, lists and tuples.

    Raises:
        InputError: they hold something else.
    """
    table = _Table()
    packed = [
        {
            "inputs": [table.add(tensor) for tensor in sample["inputs"]],
            "data_samples": [
                {
                    "meta": dict(one.metainfo_items()),
                    "fields": {name: _numbered(name, field, table) for name, field in one.items()},
                }
                for one in sample["data_samples"]
            ],
        }
        for sample in samples
    ]
    header = {"samples": packed, "tensors": [[_name(tensor), tuple(tensor.shape)] for tensor in table.tensors]}
    return msgpack.packb(header, default=_tuple, strict_types=True), table.payload()


def decode(header: bytes, payload: Tensor) -> list[Sample]:
    """Return the samples of a parcel; their tensors are views of the payload.

    Args:
        header: as `encode` made it.
        payload: likewise, `(N,)` uint8.
    """
    found = msgpack.unpackb(header, ext_hook=_untuple, strict_map_key=False)
    tensors, start = [], 0
    for name, shape in found["tensors"]:
        kind = getattr(torch, name)
        count = torch.Size(shape).numel() * kind.itemsize
        tensors.append(payload[start : start + count].view(kind).view(shape))
        start += _padded(count)
    samples = []
    for packed in found["samples"]:
        rows = []
        for one in packed["data_samples"]:
            sample = SegDataSample(metainfo=one["meta"])
            for name, field in one["fields"].items():
                sample.set_data({name: PixelData(**{key: tensors[number] for key, number in field.items()})})
            rows.append(sample)
        samples.append({"inputs": [tensors[number] for number in packed["inputs"]], "data_samples": rows})
    return samples


class _Table:
    """Number tensors; one that comes again keeps its number."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self._numbers: dict[int, int] = {}

    def add(self, tensor: Tensor) -> int:
        number = self._numbers.setdefault(id(tensor), len(self.tensors))
        if number == len(self.tensors):
            self.tensors.append(tensor)  # which also keeps its id from being another's
        return number

    def payload(self) -> Tensor:
        sizes = [tensor.numel() * tensor.element_size() for tensor in self.tensors]
        found = torch.zeros(sum(_padded(size) for size in sizes), dtype=torch.uint8)
        start = 0
        for tensor, size in zip(self.tensors, sizes, strict=True):
            found[start : start + size].view(tensor.dtype).copy_(tensor.reshape(-1))
            start += _padded(size)
        return found


def _padded(count: int) -> int:
    return -(-count // ALIGNED) * ALIGNED


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _numbered(name: str, field: Any, table: _Table) -> dict[str, int]:
    """Return the numbers of a field's tensors.

    Raises:
        InputError: it has something else.
    """
    values = dict(field.items()) if isinstance(field, PixelData) else {}
    if not values or not all(isinstance(value, Tensor) for value in values.values()):
        raise InputError(f"sample: {name}: expected PixelData of tensors, got {type(field).__name__}"[:200])
    return {key: table.add(value) for key, value in values.items()}


def _tuple(value: Any) -> Any:
    if isinstance(value, tuple):
        return msgpack.ExtType(TUPLE, msgpack.packb(list(value), default=_tuple, strict_types=True))
    raise InputError(f"sample: expected text, numbers, lists and tuples beside the tensors, got {type(value).__name__}")


def _untuple(code: int, data: bytes) -> Any:
    return tuple(msgpack.unpackb(data, ext_hook=_untuple, strict_map_key=False))
