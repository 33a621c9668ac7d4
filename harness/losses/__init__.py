"""Consistency losses on the features of two appearances: cosine, L2, MMD, and the margin that watches them."""

from harness.losses.balanced import BalancedCrossEntropy
from harness.losses.consistency import ConsistencyLoss
from harness.losses.distances import cosine_distance, l2_distance, mmd_distance
from harness.losses.margin import margin

__all__ = ["BalancedCrossEntropy", "ConsistencyLoss", "cosine_distance", "l2_distance", "margin", "mmd_distance"]
