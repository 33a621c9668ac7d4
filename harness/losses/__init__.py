"""Losses between the views of a bundle, feature distance, balanced cross entropy, and what watches them."""

from harness.losses.balanced import BalancedCrossEntropy
from harness.losses.consistency import ConsistencyLoss, LogitConsistencyLoss, PixelContrastLoss
from harness.losses.contrast import pixel_contrast
from harness.losses.distances import cosine_distance, js_distance, l2_distance, mmd_distance
from harness.losses.feature_distance import FeatureDistance, feature_distance
from harness.losses.margin import margin
from harness.losses.views import View

__all__ = [
    "BalancedCrossEntropy",
    "ConsistencyLoss",
    "FeatureDistance",
    "LogitConsistencyLoss",
    "PixelContrastLoss",
    "View",
    "cosine_distance",
    "feature_distance",
    "js_distance",
    "l2_distance",
    "margin",
    "mmd_distance",
    "pixel_contrast",
]
