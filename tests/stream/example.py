"""Bundles into plain PyTorch: start it, then in another terminal
carla-plugin stream town --server 127.0.0.1:2000 --to tcp://127.0.0.1:5555"""

import itertools

import torch

from harness import BundleStream


class Pairs(torch.utils.data.IterableDataset):
    """Two appearances of one frozen moment, and the mask that both have."""

    def __init__(self, stream):
        self.stream = stream

    def __iter__(self):
        for bundle in self.stream:
            images = torch.from_numpy(bundle.images).permute(0, 3, 1, 2)  # A x 3 x H x W, uint8
            yield images[:2].float() / 255, torch.from_numpy(bundle.mask).long()


with BundleStream("tcp://127.0.0.1:5555") as stream:
    network = torch.nn.Conv2d(3, 29, 3, padding=1)  # 29 CARLA tags
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader(Pairs(stream), batch_size=2)  # num_workers=0: a thread receives already
    for step, (images, masks) in enumerate(itertools.islice(loader, 10)):
        both = network(images.flatten(0, 1))  # the two skies of a bundle follow each other
        loss = torch.nn.functional.cross_entropy(both, masks.repeat_interleave(2, 0))
        loss += (both[0::2] - both[1::2]).square().mean()  # what is the same street should look the same
        optimizer.zero_grad(), loss.backward(), optimizer.step()
        print(step, round(loss.item(), 3))
