"""The published figures, in percent and exactly as printed; every other number in our tables is measured by us."""

from __future__ import annotations

from protocols.labels import NAMES_16

CITATION = "arXiv 2412.16592"
PAPER = (
    "Montalvo, Alcover-Couso, Carballeira, García-Martín, SanMiguel, Escudero-Viñolo: Leveraging Contrastive Learning "
    "for Semantic Segmentation with Consistent Labels Across Varying Appearances"
)

ARMS = {"baseline": "Baseline", "l2": "L2", "mmd": "MMD", "cosine": "CS (cosine)"}
"""Our arms that are published, in the order and with the names of the published table."""
TARGETS = {"cityscapes": "Cityscapes", "acdc": "ACDC", "dark_zurich": "Dark Zurich"}
"""Likewise the targets."""
SOURCES = ("GTA", "SYNTHIA", "Ours")

ALIGNMENT_COLUMNS = (*NAMES_16, "mIoU", "mAcc")
ALIGNMENT: dict[str, tuple[float, ...]] = {
    "Baseline": (
        *(91.5, 55.9, 89.1, 43.4, 30.1, 50.1, 48.4, 59.8, 88.3, 92.7, 38.8, 18.3, 88.0, 25.7, 49.9, 61.9),
        *(58.3, 71.2),
    ),
    "L2": (
        *(93.6, 62.7, 88.8, 45.3, 24.5, 50.8, 51.3, 56.1, 88.1, 93.1, 69.9, 44.3, 84.3, 19.6, 41.7, 58.1),
        *(60.8, 72.4),
    ),
    "MMD": (
        *(90.1, 53.5, 88.2, 41.9, 30.5, 49.0, 51.3, 55.9, 87.8, 92.4, 69.8, 44.6, 88.4, 28.0, 49.9, 57.6),
        *(61.2, 71.6),
    ),
    "CS (cosine)": (
        *(95.4, 68.6, 89.2, 49.2, 33.7, 50.4, 49.6, 59.2, 89.0, 92.5, 68.0, 41.1, 86.5, 21.7, 48.9, 61.6),
        *(62.8, 74.8),
    ),
}
"""Ours -> Cityscapes: IoU of each class, mIoU (the plain mean of the 16) and mAcc."""

GENERALIZATION: dict[str, tuple[float, ...]] = {
    "GTA": (48.9, 39.8, 20.4),
    "SYNTHIA": (40.5, 31.8, 17.8),
    "Ours": (51.0, 39.8, 24.9),
}
"""Domain generalization: mIoU on each of `TARGETS`; same hyperparameters and iterations for every source."""
