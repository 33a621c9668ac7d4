# GTA ("Playing for Data") in place of bundles: `--from gta:DIR` with DIR/images/*.png and DIR/labels/*.png.
# ruff: noqa: C408
_base_ = ["./_base_/daformer_dg_folder.py"]
bundle_size = (1280, 704)  # width, height in pixels: 1914x1052 brought into 1280x720, as DAFormer does
train_dataloader = dict(dataset=dict(endpoint="gta:data/gta", bundle_size=bundle_size))
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))
