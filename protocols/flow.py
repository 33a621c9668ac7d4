"""Flow of the stream: hello, credit, bundles, acknowledgement, resend, stop, as two state machines without sockets.

The trainer's end is a `Consumer` (it binds a ROUTER), the plugin's end a `Producer` (it connects with a DEALER). Each
message is a list of frames whose first is an envelope, a small msgpack map with a `kind`; only a bundle has further
frames, those of `protocols.bundle`. A credit is one free slot of the consumer and names the bundle that it is free
for: a producer makes that bundle and no other, keeps it until it is acknowledged, and sends it again after a welcome
that names it again. So each index comes at least once over the wire, and exactly once out of the consumer.
"""

from protocols.consumer import Consumer, Delivery, Outgoing
from protocols.envelopes import Credit, Message, envelope, open_envelope
from protocols.producer import MAJOR, MINOR, Producer

__all__ = [
    "MAJOR",
    "MINOR",
    "Consumer",
    "Credit",
    "Delivery",
    "Message",
    "Outgoing",
    "Producer",
    "envelope",
    "open_envelope",
]
