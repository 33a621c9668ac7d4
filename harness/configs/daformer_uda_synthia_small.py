# SYNTHIA-RAND-CITYSCAPES as the source of self-training, as published: 2 single images a step, and 2 target images.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_folder_small.py"]
bundle_size = (512, 304)  # width, height in pixels, in proportion to 1280x760
train_dataloader = dict(
    dataset=dict(
        endpoint="synthia:data/synthia",
        bundle_size=bundle_size,
        dropped_classes=["truck"],  # it has none: of the 19 it lacks terrain, truck and train
    )
)
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))
