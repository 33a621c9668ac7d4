"""What is known of each `static.prop.*` blueprint: its shape, its tag, and the size of its box in CARLA 0.9.16."""

from __future__ import annotations

from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Colour

STATIC, DYNAMIC, VEGETATION, SIGN, POLE = 20, 21, 9, 8, 6


class Model(NamedTuple):
    """Describe one prop.

    Attributes:
        shape: name of the shape it is built after.
        length: metres along x.
        width: metres along y.
        height: metres.
        colour: sRGB of its main part.
        tag: CARLA tag; things that people carry about are Dynamic, those that stay are Static.
    """

    shape: str
    length: float
    width: float
    height: float
    colour: Colour = (150, 150, 146)
    tag: int = DYNAMIC


_WOOD, _CARTON, _CLAY = (142, 104, 66), (168, 132, 90), (150, 86, 60)
_ORANGE, _RED, _GREEN, _DARK = (216, 92, 34), (172, 50, 42), (70, 104, 62), (52, 54, 58)

_MODELS: dict[str, Model] = {
    "advertisement": Model("advertisement", 1.55, 0.29, 2.44, (60, 110, 160), STATIC),
    "aporosatree": Model("round_tree", 12.96, 12.58, 15.63, _GREEN, VEGETATION),
    "atm": Model("machine", 0.71, 0.87, 2.28, (60, 84, 126), STATIC),
    "barbeque": Model("barbeque", 0.95, 0.50, 1.26, _DARK),
    "barrel": Model("barrel", 0.46, 0.47, 0.81, (60, 84, 126)),
    "bench01": Model("bench", 1.54, 0.74, 0.97, _WOOD, STATIC),
    "bench02": Model("slab_bench", 1.56, 0.54, 0.51, (150, 146, 138), STATIC),
    "bench03": Model("slab_bench", 1.58, 0.51, 0.51, _WOOD, STATIC),
    "bike helmet": Model("helmet", 0.19, 0.28, 0.17, (40, 90, 150)),
    "bin": Model("trash_can", 0.55, 0.64, 1.06, (62, 86, 68), STATIC),
    "box01": Model("carton", 0.65, 0.65, 0.69, _CARTON),
    "box02": Model("carton", 0.65, 0.65, 0.65, _CARTON),
    "box03": Model("carton", 0.66, 0.67, 0.65, _CARTON),
    "briefcase": Model("case", 0.54, 0.18, 0.43, (64, 44, 32)),
    "brokentile01": Model("shard", 0.13, 0.18, 0.0066, _CLAY),
    "brokentile02": Model("shard", 0.21, 0.15, 0.0076, _CLAY),
    "brokentile03": Model("shard", 0.15, 0.14, 0.0085, _CLAY),
    "brokentile04": Model("shard", 0.13, 0.13, 0.0102, _CLAY),
    "busstop": Model("bus_stop", 3.88, 1.89, 2.74, (92, 96, 98), STATIC),
    "busstoplb": Model("bus_stop_across", 1.89, 3.88, 2.74, (92, 96, 98), STATIC),
    "calibrator": Model("calibrator", 1.55, 0.69, 0.20, (230, 228, 220)),
    "chainbarrier": Model("chain", 1.49, 0.24, 0.89, _RED, STATIC),
    "chainbarrierend": Model("post", 0.24, 0.24, 0.89, _RED, STATIC),
    "clothcontainer": Model("bank", 1.24, 1.89, 1.81, (190, 170, 60), STATIC),
    "clothesline": Model("clothesline", 6.65, 1.12, 2.06, (200, 200, 196)),
    "coconutpalm": Model("palm_tree", 8.60, 8.89, 20.31, _GREEN, VEGETATION),
    "colacan": Model("can", 0.068, 0.072, 0.11, _RED),
    "constructioncone": Model("cone", 0.34, 0.34, 0.59, _ORANGE),
    "container": Model("skip", 1.93, 1.01, 1.71, (56, 92, 66)),
    "creasedbox01": Model("carton", 0.81, 0.71, 0.12, _CARTON),
    "creasedbox02": Model("carton", 1.63, 0.71, 0.21, _CARTON),
    "creasedbox03": Model("carton", 1.67, 0.71, 0.022, _CARTON),
    "cypresstree": Model("slim_tree", 4.61, 4.63, 15.68, (54, 84, 52), VEGETATION),
    "dirtdebris01": Model("heap", 1.86, 1.51, 0.15, (104, 86, 66)),
    "dirtdebris02": Model("heap", 1.86, 1.51, 0.15, (116, 98, 76)),
    "dirtdebris03": Model("heap", 1.86, 1.51, 0.19, (92, 78, 62)),
    "doghouse": Model("hut", 1.08, 1.27, 1.09, _WOOD),
    "foodcart": Model("stall", 2.28, 4.64, 3.57, (190, 70, 60)),
    "fountain": Model("fountain", 8.40, 8.40, 6.92, (164, 160, 150), STATIC),
    "garbage01": Model("can", 0.053, 0.053, 0.087, (170, 170, 172)),
    "garbage02": Model("can", 0.053, 0.053, 0.0092, (170, 170, 172)),
    "garbage03": Model("bag", 0.060, 0.059, 0.079, (214, 210, 200)),
    "garbage04": Model("bag", 0.057, 0.056, 0.069, (196, 190, 170)),
    "garbage05": Model("bag", 0.23, 0.23, 0.058, (206, 196, 176)),
    "garbage06": Model("bag", 0.37, 0.21, 0.077, (180, 170, 150)),
    "gardenlamp": Model("lantern", 0.30, 0.28, 0.65, _DARK),
    "glasscontainer": Model("bank", 1.95, 2.01, 1.79, (50, 110, 74), STATIC),
    "gnome": Model("gnome", 0.37, 0.38, 0.88, (180, 50, 44)),
    "guitarcase": Model("case", 1.24, 0.13, 0.49, (38, 34, 34)),
    "haybale": Model("bale", 1.25, 1.19, 1.19, (196, 168, 96)),
    "haybalelb": Model("bale", 1.25, 1.19, 1.19, (196, 168, 96)),
    "ironplank": Model("plate", 1.45, 1.17, 0.021, (96, 92, 90)),
    "kiosk_01": Model("kiosk", 1.63, 1.65, 3.25, (60, 96, 76), STATIC),
    "mailbox": Model("mailbox", 0.53, 0.44, 1.16, (166, 60, 52), STATIC),
    "maptable": Model("sign_table", 1.57, 0.62, 1.18, (120, 100, 80), STATIC),
    "mobile": Model("plate", 0.080, 0.0073, 0.17, (24, 24, 28)),
    "motorhelmet": Model("helmet", 0.20, 0.26, 0.26, (150, 30, 34)),
    "pergola": Model("pergola", 5.03, 5.09, 3.54, _WOOD, STATIC),
    "plantpot01": Model("trough", 1.09, 0.48, 0.56, _CLAY),
    "plantpot02": Model("trough", 1.05, 0.43, 0.49, (150, 140, 128)),
    "plantpot03": Model("trough", 1.05, 0.43, 0.49, (120, 122, 122)),
    "plantpot04": Model("trough", 4.97, 0.74, 0.125, (150, 140, 128)),
    "plantpot05": Model("pot", 0.40, 0.40, 0.28, _CLAY),
    "plantpot06": Model("pot", 1.59, 1.59, 0.85, (156, 152, 144)),
    "plantpot07": Model("pot", 0.49, 0.48, 0.56, _CLAY),
    "plantpot08": Model("pot", 0.53, 0.53, 0.49, (150, 140, 128)),
    "plasticbag": Model("bag", 0.31, 0.40, 0.55, (224, 224, 220)),
    "plasticchair": Model("chair", 0.73, 0.75, 1.27, (226, 224, 216)),
    "plastictable": Model("parasol", 2.48, 2.48, 2.48, (226, 224, 216)),
    "platformgarbage01": Model("heap", 3.63, 1.71, 0.33, (120, 110, 96)),
    "purse": Model("case", 0.16, 0.33, 0.59, (130, 60, 50)),
    "shoppingbag": Model("case", 0.47, 0.24, 0.60, (196, 170, 120)),
    "shoppingcart": Model("cart", 0.67, 1.21, 1.08, (150, 152, 156)),
    "shoppingtrolley": Model("case", 0.51, 0.33, 1.09, (90, 60, 110)),
    "slide": Model("slide", 0.94, 4.12, 1.98, (200, 60, 50)),
    "streetbarrier": Model("barrier", 1.21, 0.37, 1.07, _RED),
    "streetfountain": Model("post_basin", 0.29, 0.67, 1.26, (80, 84, 82), STATIC),
    "streetsign": Model("board", 1.06, 0.125, 2.15, (60, 90, 130), STATIC),
    "streetsign01": Model("board", 2.47, 0.30, 3.88, (60, 90, 130), STATIC),
    "streetsign04": Model("board", 1.17, 0.125, 2.77, (60, 90, 130), STATIC),
    "swing": Model("swing", 4.11, 1.58, 2.57, (60, 110, 160)),
    "swingcouch": Model("swing", 1.36, 2.36, 2.25, (130, 150, 110)),
    "table": Model("picnic", 2.16, 2.15, 0.85, _WOOD),
    "trafficcone01": Model("cone", 0.88, 0.88, 1.13, _ORANGE),
    "trafficcone02": Model("delineator", 0.46, 0.39, 1.18, _ORANGE),
    "trafficwarning": Model("trailer", 2.37, 2.87, 3.57, _ORANGE),
    "trampoline": Model("trampoline", 4.13, 4.13, 2.80, (40, 70, 130)),
    "trashbag": Model("bag", 0.38, 0.43, 0.70, (34, 36, 38)),
    "trashcan01": Model("trash_can", 0.64, 0.57, 0.85, (90, 94, 96)),
    "trashcan02": Model("trash_can", 0.52, 0.51, 1.05, (62, 86, 68)),
    "trashcan03": Model("trash_can", 0.63, 0.55, 0.93, (54, 76, 104)),
    "trashcan04": Model("wheelie", 0.79, 0.58, 1.02, (50, 80, 60)),
    "trashcan05": Model("wheelie", 0.79, 0.58, 1.02, (170, 150, 60)),
    "travelcase": Model("case", 0.57, 0.33, 1.26, (50, 60, 90)),
    "vendingmachine": Model("machine", 0.87, 1.10, 2.11, (180, 40, 44), STATIC),
    "warningaccident": Model("tripod", 1.31, 1.06, 1.86, (216, 180, 60)),
    "warningconstruction": Model("tripod", 1.31, 1.06, 1.86, _ORANGE),
    "wateringcan": Model("can", 0.070, 0.19, 0.13, (70, 120, 90)),
}

MODELS: dict[str, Model] = {f"static.prop.{name}": model for name, model in _MODELS.items()}
