# GTA as the source of self-training, as published: 2 single images a step, and 2 target images.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_uda_folder.py"]
bundle_size = (1280, 704)  # width, height in pixels: 1914x1052 brought into 1280x720, as DAFormer does
train_dataloader = dict(dataset=dict(endpoint="gta:data/gta", bundle_size=bundle_size))
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))
