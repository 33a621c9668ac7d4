# What all full configs share, DAFormer in its source-only form: MiT-B5, head of 256 channels, 40,000 iterations of
# 2 bundles x 2 appearances in crops of 512x512, rare class sampling, feature distance, warm-up times decay, distortion;
# for a GPU with 24 GB or more. Values as published where one is known.
# ruff: noqa: C408
_base_ = ["./daformer_dg_small.py"]

bundle_size = (1280, 720)  # width, height in pixels, as DAFormer resizes its source images
crop_size = (512, 512)  # height, width in pixels
max_iters = 40_000

model = dict(
    data_preprocessor=dict(size=crop_size),
    # MiT's ImageNet weights have a non-commercial licence, so none are shipped: bring your own, in NVIDIA's, mmseg's or
    # Hugging Face's naming, with --cfg-options model.backbone.weights=mit_b5.pth
    backbone=dict(_delete_=True, type="MixTransformer", variant="B5", weights=None, drop_path_rate=0.1),
    decode_head=dict(
        in_channels=[64, 128, 320, 512], channels=256, loss_decode=dict(_delete_=True, type="CrossEntropyLoss")
    ),
    # targets from the clear appearance, which every bundle must have
    feature_distance=dict(type="FeatureDistance", loss_weight=0.005, min_share=0.75),
)

train_dataloader = dict(
    dataset=dict(
        bundle_size=bundle_size,
        capacity=256,
        pace=None,  # as fast as the simulators come
        ordered=False,  # and whoever comes first
        pipeline=[
            dict(type="DrawAppearances", count=2, reference="noon"),
            dict(type="TagsToClasses"),
            dict(type="CropAll", size=crop_size),
            dict(type="FlipAll"),
            dict(type="DistortEach"),
            dict(type="PackAppearances"),
        ],
    )
)
val_dataloader = dict(dataset=dict(bundle_size=bundle_size))

optim_wrapper = dict(
    _delete_=True,
    type="AutocastOptimWrapper",  # bfloat16 where there is a GPU; dtype="float32" as published
    optimizer=dict(type="AdamW", lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    # what "head" matches keeps its decay, batch norms included, as published; the encoder's norms have none
    paramwise_cfg=dict(custom_keys={"head": dict(lr_mult=10.0)}, norm_decay_mult=0.0),
)
param_scheduler = [dict(type="WarmupPolyLR", by_epoch=False, total=max_iters, warmup=1500, ratio=1e-6, power=1.0)]
train_cfg = dict(max_iters=max_iters)
custom_hooks = [dict(type="LiveProgress"), dict(type="MarginProbe", interval=1000)]
