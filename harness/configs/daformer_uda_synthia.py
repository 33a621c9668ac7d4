# SYNTHIA-RAND-CITYSCAPES as the source of self-training, as published: 2 single images a step, and 2 target images.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_folder.py"]
bundle_size = (1280, 760)  # width, height in pixels, as published
train_dataloader = dict(
    dataset=dict(
        endpoint="synthia:data/synthia",
        bundle_size=bundle_size,
        dropped_classes=["truck"],  # it has none: of the 19 it lacks terrain, truck and train
    )
)
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))
