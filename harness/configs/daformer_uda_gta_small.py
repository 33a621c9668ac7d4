# GTA as the source of self-training, as published: 2 single images a step, and 2 target images.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_folder_small.py"]
bundle_size = (512, 281)  # width, height in pixels, in proportion to 1914x1052
train_dataloader = dict(dataset=dict(endpoint="gta:data/gta", bundle_size=bundle_size))
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))
