"""The relations. Each is tried on every case; where the reference itself does not keep one, it is not asked of a lane.

So a relation is said once, without a list of the layers that it holds for: that a pool may be turned round, that a
convolution looks at no later step or that a batch may be reordered follows from the mathematics of the case at hand.
"""

from __future__ import annotations

from conformance.plans.derive import derived, each_along, each_float, remade, with_inputs, with_layers
from conformance.protocol.plan import CONFIG, SAVED
from conformance.relations.changes import (
    argument,
    as_convolution,
    before_the_last,
    folded,
    grouped,
    hidden_rolled,
    integers_wider,
    last_changed,
    padded,
    prefix,
    rolled,
    stuffed,
    swapped,
    twice,
    units_rolled,
)
from conformance.relations.graphs import channels_moved, in_two_parts, with_calls
from conformance.relations.relation import Relation, same, through

RELATIONS: tuple[Relation, ...] = (
    # not to the last bit: torch's GRU on a CPU differs by a rounding with the place of its data in memory
    Relation("run_twice", "a second run gives the same", lambda plan: derived(plan, "run_twice"), same),
    Relation(
        "config_round_trip",
        "a layer made from its own get_config gives the same",
        remade("config_round_trip", CONFIG),
        same,
    ),
    Relation(
        "saved_and_loaded",
        "a layer that was saved and loaded gives the same",
        remade("saved_and_loaded", SAVED),
        same,
    ),
    Relation(
        "batch_reordered",
        "samples in another order give their outputs in that order",
        with_inputs("batch_reordered", each_along(0, rolled)),
        through(rolled),
    ),
    Relation(
        "batch_of_one",
        "the first sample alone gives the first output",
        with_inputs("batch_of_one", each_along(0, lambda x: x[:1])),
        through(lambda y: y[:1]),
        is_alone=True,
    ),
    Relation(
        "batch_twice",
        "a batch beside itself gives its outputs twice",
        with_inputs("batch_twice", each_along(0, twice)),
        through(twice),
    ),
    Relation("wider_integers", "int64 gives what int32 gives", with_inputs("wider_integers", integers_wider), same),
    Relation("inputs_swapped", "the order of two inputs does not matter", with_inputs("inputs_swapped", swapped), same),
    Relation(
        "doubled",
        "twice the input gives twice the output",
        with_inputs("doubled", each_float(lambda x: 2 * x)),
        through(lambda y: 2 * y),
    ),
    Relation(
        "scale_free",
        "four times the input gives the same output",
        with_inputs("scale_free", each_float(lambda x: 4 * x)),
        same,
    ),
    Relation(
        "negated",
        "the negative input gives the negative output",
        with_inputs("negated", each_float(lambda x: -x)),
        through(lambda y: -y),
    ),
    Relation("even", "the negative input gives the same output", with_inputs("even", each_float(lambda x: -x)), same),
    Relation(
        "shifted",
        "an input that is higher by 1 gives an output that is",
        with_inputs("shifted", each_float(lambda x: x + x.dtype.type(1))),
        through(lambda y: y + 1),
    ),
    Relation(
        "shift_free",
        "an input that is higher by 1 gives the same output",
        with_inputs("shift_free", each_float(lambda x: x + x.dtype.type(1))),
        same,
    ),
    Relation(
        "order_free",
        "the order of the steps does not matter",
        with_inputs("order_free", each_along(1, lambda x: rolled(x, 1))),
        same,
    ),
    Relation(
        "step_by_step",
        "steps in another order give their outputs in that order",
        with_inputs("step_by_step", each_along(1, lambda x: rolled(x, 1))),
        through(lambda y: rolled(y, 1) if y.ndim > 1 else y),
    ),
    Relation(
        "turned_round",
        "a sequence from its end gives its outputs from their end",
        with_inputs("turned_round", each_along(1, lambda x: x[:, ::-1])),
        through(lambda y: y[:, ::-1] if y.ndim > 1 else y),
    ),
    Relation(
        "causal",
        "the last step changes no output before it",
        with_inputs("causal", each_along(1, last_changed)),
        before_the_last,
    ),
    Relation(
        "prefix",
        "a sequence without its last step gives the first of the outputs",
        with_inputs("prefix", each_along(1, lambda x: x[:, :-1])),
        prefix,
    ),
    Relation(
        "padding_is_nothing",
        "zeros after the end, which a mask leaves out, change nothing",
        with_inputs("padding_is_nothing", each_along(1, padded)),
        same,
    ),
    Relation(
        "channel_by_channel",
        "channels in another order give their outputs in that order",
        with_inputs("channel_by_channel", each_float(lambda x: rolled(x, -1) if x.ndim > 1 else x)),
        through(lambda y: rolled(y, -1)),
    ),
    Relation(
        "unrolled",
        "unrolling the steps changes nothing",
        with_layers("unrolled", argument("unroll", lambda unroll: not unroll)),
        same,
    ),
    Relation(
        "dilation_is_zeros",
        "a dilated kernel is a longer one with zeros",
        with_layers("dilation_is_zeros", stuffed),
        same,
    ),
    Relation(
        "depthwise_is_grouped",
        "a depthwise convolution has a group for every channel",
        with_layers("depthwise_is_grouped", grouped),
        same,
    ),
    Relation(
        "folded_normalization",
        "moving statistics may be folded into gamma and beta",
        with_layers("folded_normalization", folded),
        same,
        near=1e-6,  # the folded weights are rounded to float32
    ),
    Relation(
        "units_reordered",
        "units in another order give their outputs in that order",
        with_layers("units_reordered", units_rolled),
        through(lambda y: rolled(y, -1)),
    ),
    Relation(
        "hidden_reordered",
        "hidden units in another order give their outputs in that order",
        with_layers("hidden_reordered", hidden_rolled),
        through(lambda y: rolled(y, -1)),
    ),
    Relation(
        "dense_is_convolution",
        "Dense on a sequence is a convolution of one step",
        with_layers("dense_is_convolution", as_convolution),
        same,
    ),
    Relation(
        "state_carried",
        "a sequence in two parts, the state carried over, gives what it gives in one",
        with_calls("state_carried", in_two_parts),
        same,
    ),
    Relation(
        "channels_moved",
        "channels first or last give the same, each where the layer looks for them",
        with_calls("channels_moved", channels_moved),
        same,
    ),
    Relation(
        "no_dropout",
        "in inference dropout of any rate does nothing",
        with_layers("no_dropout", argument("rate", lambda rate: 0.0)),
        same,
    ),
)
