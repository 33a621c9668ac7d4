# What all full self-training configs share, DAFormer's UDA: MiT-B5, 2 bundles x 2 appearances and 2 target images in
# crops of 512x512, teacher, class mixing, strong augmentation of the mixed images. Values as published.
# `--cfg-options train_dataloader.dataset.target.data_root=DIR` says where Cityscapes is; only its images are read.
# ruff: noqa: C408
_base_ = ["./daformer_dg.py"]

crop_size = (512, 512)  # height, width in pixels

model = dict(type="SelfTrainingSegmentor", threshold=0.968, jitter="shared", mixed_support="full")

train_dataloader = dict(
    dataset=dict(
        pipeline=[  # no distortion: the source pass is clean, and the mixed images are augmented
            dict(type="DrawAppearances", count=2, reference="noon"),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=crop_size),
            dict(type="FlipAll"),
            dict(type="PackAppearances"),
        ],
        target=dict(
            type="CityscapesDataset",
            data_root="data/cityscapes",
            data_prefix=dict(img_path="leftImg8bit/train"),
            serialize_data=False,
            pipeline=[
                dict(type="LoadImageFromFile"),
                dict(type="Resize", scale=(1024, 512), keep_ratio=True),
                dict(type="RandomCrop", crop_size=crop_size),
                dict(type="RandomFlip", prob=0.5),
                dict(type="IgnoreMargins", top=15, bottom=120),  # rows of the crop, which is as high as the image
                dict(type="PackTarget"),
            ],
        ),
    )
)

custom_hooks = [
    dict(type="LiveProgress"),
    dict(type="MarginProbe", interval=1000),
    dict(type="FollowStudent", alpha=0.999),
]
