"""Props by their blueprint id: shape, size and tag."""

from carla_plugin.simulator.assets.props.model import PROP_IDS, prop, prop_of, prop_size, prop_tag

__all__ = ["PROP_IDS", "prop", "prop_of", "prop_size", "prop_tag"]
