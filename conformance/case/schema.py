"""The fields of a case file, declared once: what they hold and what they mean.

`structure` reads a file by these declarations, `jsonschema` turns them into the schema that editors use.
"""

from __future__ import annotations

from conformance.case.kinds import (
    Anything,
    Choice,
    Either,
    Field,
    Integer,
    LayerOf,
    Length,
    ListOf,
    MapOf,
    Nested,
    Null,
    Number,
    Record,
    Row,
    Text,
    Truth,
)
from conformance.reference.invariants import NAMES

SCHEMA_VERSION = 1

ID = r"[a-z0-9][a-z0-9_.-]*"
NAME = r"[A-Za-z_][A-Za-z0-9_]*"
TRAINED = NAME + r"(\.[A-Za-z0-9_]+)+@[1-9][0-9]*"
"""A weight after a step of training: `dense.kernel@3`."""
NODE_OUTPUT = rf"({NAME}(\[[0-9]+\])?|{TRAINED})"
LANE = r"(keras|tf_keras|torch|numpy|transformers)([-@][A-Za-z0-9_.-]+)?"
"""An adapter, and what tells two lanes of one adapter apart: `keras@3.3.3`, `keras-jax`."""
LANE_FORM = "a lane (as keras, torch, keras@3.3.3)"
TAG = r"[a-z0-9][a-z0-9_-]*"
KILL = r"([a-z]+\.)?[A-Za-z0-9_]+\.[a-z0-9_]+"

FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int32", "int64", "int8", "int16", "uint8")
DTYPES = (*FLOATS, *INTEGERS, "bool")
STRING = "string"
"""The dtype of inputs that are text; no output has it."""


CONVENTIONS = ("left", "right", "shared", "zero", "one")

SHAPE = ListOf(Length())
COUNT = Integer(at_least=0, axes=True)

SOURCE = Record(
    "source",
    {
        "kind": Field(
            Choice(("docs", "paper", "hand", "observed", "question")),
            "Where the expected values come from: documentation, a paper, a calculation by hand, an observation, "
            "or nowhere (`question`: the case asks).",
            required=True,
        ),
        "reference": Field(Text(), "The page, paper or file; needed for `docs` and `paper`."),
        "note": Field(Text(), "How the values follow from the reference, or how they were worked out."),
    },
)

_ANY_TEXT = Text(may_be_empty=True)
DATA_FILE = Record(
    "file",
    {
        "path": Field(Text(), "A .json or .npy file, relative to the case file.", required=True),
        "key": Field(Text(), "The key under which the array stands in a .json file."),
    },
)

FILL = Record(
    "fill",
    {
        "normal": Field(
            Record(
                "normal",
                {
                    "mean": Field(Number(finite=True), "Centre of the values; 0.25 where it is not given."),
                    "std": Field(Number(finite=True), "Standard deviation, above 0; 1 where it is not given."),
                },
            ),
            "Bell-shaped values of both signs, no two equal. The default for floats.",
        ),
        "uniform": Field(
            Row((Number(finite=True), Number(finite=True))), "[low, high]: values between two bounds, no two equal."
        ),
        "integers": Field(
            Row((Integer(axes=True), Integer(axes=True))), "[low, high]: integers from low to high - 1, drawn evenly."
        ),
        "arange": Field(
            Record(
                "arange",
                {
                    "start": Field(Number(finite=True), "The first value; 0 where it is not given."),
                    "step": Field(Number(finite=True), "From one value to the next; 1 where it is not given."),
                },
            ),
            "Evenly spaced values in row-major order.",
        ),
        "constant": Field(Nested(), "One value everywhere; nan, inf, -inf and -0.0 are words for themselves."),
        "values": Field(Nested(), "The array itself as nested lists; rows must have equal lengths."),
        "strings": Field(
            ListOf(Either((_ANY_TEXT, ListOf(_ANY_TEXT, at_least=1))), at_least=1),
            "Texts, or rows of equally many; of the dtype string.",
        ),
        "ragged": Field(
            Record(
                "ragged",
                {
                    "rows": Field(ListOf(Nested(), at_least=1), "Rows of different lengths.", required=True),
                    "padding": Field(Nested(), "The number put after the end of short rows; 0 where not given."),
                },
            ),
            "Rows of different lengths, padded at their end to the longest or to the shape.",
        ),
        "file": Field(
            DATA_FILE,
            "An array from a data file beside the case file.",
        ),
        "lists": Field(
            Record(
                "lists",
                {
                    "count": Field(COUNT, "How many arrays.", required=True),
                    "shape": Field(ListOf(COUNT), "The shape of each array.", required=True),
                    "shapes": Field(
                        MapOf(ListOf(COUNT), "The shape of the row with this number.", pattern=r"[0-9]+"),
                        "Rows, by their number in quotes, whose shape is another one.",
                    ),
                },
            ),
            "An array of arrays (an object array): count rows, each an array of its own.",
        ),
    },
    one_of=True,
)

INPUT = Record(
    "input",
    {
        "shape": Field(
            SHAPE,
            "Named axes, numbers or arithmetic. May be left out where `values`, `ragged`, `file` or `lists` says it.",
        ),
        "dtype": Field(Choice((*DTYPES, STRING)), "float32 where it is not given."),
        "fill": Field(FILL, "How the array is filled."),
    },
)

MODEL = Record(
    "model",
    {
        "inputs": Field(ListOf(Text(NAME, "a name"), at_least=1), "Inputs or nodes from which it starts.", True),
        "outputs": Field(ListOf(Text(NAME, "a name"), at_least=1), "Nodes that it gives.", True),
    },
)

_OF_OUTPUTS = MapOf(Text(NAME, "a name"), "What belongs to this output.", at_least=1)
_METRICS = MapOf(ListOf(Text(NAME, "a layer"), at_least=1), "Metrics of this output, as declared in `layers`.")
TRAINING = Record(
    "training",
    {
        "through": Field(
            Choice(("fit", "evaluate")),
            "Keras' own loop over batches, in place of steps of one's own: what it reports is observed, as "
            "`fit.loss@1` after the first epoch. `evaluate` trains nothing, and has no optimizer.",
        ),
        "optimizer": Field(LayerOf("optimizer"), "The optimiser: its class name in Keras, its arguments."),
        "loss": Field(
            Either((Text(NAME, "a name"), _OF_OUTPUTS)),
            "The node that is minimised: one number. Through `fit`: each output, a node, to the layer of its loss.",
            required=True,
        ),
        "steps": Field(Integer(at_least=1), "How many steps are made; 1 where it is not given. Not through `fit`."),
        "batches": Field(
            MapOf(ListOf(Text(NAME, "an input"), at_least=1), "The inputs that stand in its place, one a step."),
            "Inputs that hold other arrays at each step; all others hold the same. Not through `fit`.",
        ),
        "y": Field(_OF_OUTPUTS, "Through `fit`: each output to the input that it shall be."),
        "batch_size": Field(COUNT, "Through `fit`: samples in a batch; the last one takes what is left."),
        "epochs": Field(Integer(at_least=1), "Through `fit`: how often it goes over all samples; 1 where not given."),
        "loss_weights": Field(
            MapOf(Number(finite=True), "What the loss of this output counts; 1 where it is not given."),
            "Through `fit`: what each output's loss counts in the loss.",
        ),
        "sample_weight": Field(_OF_OUTPUTS, "Through `fit`: each output to the input with its samples' weights."),
        "class_weight": Field(
            ListOf(Number(finite=True), at_least=1), "Through `fit`: what a sample of class 0, 1, ... counts."
        ),
        "metrics": Field(_METRICS, "Through `fit`: metrics of each output, without the weights of samples."),
        "weighted_metrics": Field(_METRICS, "Through `fit`: metrics of each output, with the weights of samples."),
        "steps_per_execution": Field(
            Integer(at_least=1), "Through `fit`: batches that are run in one call; no number depends on it."
        ),
        "finalize": Field(
            Truth(),
            "Whether training is over after the last step, as `fit` ends it: weights become their running means.",
        ),
    },
    former={
        "native": (
            "native is no longer a key of a training",
            "leave it out: the lane torch[native] runs torch's own optimiser with the arguments as written",
        )
    },
)

SAVED = Record(
    "saved",
    {
        "as": Field(
            Choice(("keras", "weights", "h5")),
            "The form of the file: the whole model as .keras or .h5, or its weights alone as .weights.h5.",
            required=True,
        ),
        "in": Field(
            Text(LANE, LANE_FORM),
            "The lane that wrote the file, which stands in the folder `saved` beside the case file: `conformance save` "
            "writes it. Where it is not given each lane loads what it wrote itself.",
        ),
        "kept": Field(Number(finite=True), "The share of the file that is left: 0.5 is a file that was cut in half."),
        "after": Field(
            Integer(at_least=1),
            "The epoch of a training through `fit` after which the model is saved with its optimiser, loaded, and "
            "trained on.",
        ),
    },
)

EXPECTED_NODE = Record(
    "expected node",
    {
        "shape": Field(SHAPE, "Its shape, in named axes, numbers or arithmetic."),
        "symbolic": Field(ListOf(Either((Null(), Length()))), "Its shape in the symbolic run; null is an open axis."),
        "dtype": Field(Choice(DTYPES), "Its dtype."),
        "mask": Field(
            Either((Choice(("none", "all")), Nested())),
            "The mask that it carries: none, all (true everywhere), or nested lists of 0 and 1.",
        ),
        "values": Field(Nested(), "Its values, in its shape; nan, inf, -inf and -0.0 are words for themselves."),
    },
)

EXPECTED_ERROR = Record(
    "expected error",
    {
        "phase": Field(
            Choice(("build", "call", "any")),
            "build: before numbers flow; call: with numbers; any, the default: either.",
        ),
        "lanes": Field(
            ListOf(Text(LANE, LANE_FORM), at_least=1),
            "The lanes that must fail, and then no other may; all where it is not given.",
        ),
        "contains": Field(Text(), "Text that the message must contain."),
    },
)

_WEIGHT_NAME = r"[A-Za-z_][A-Za-z0-9_./]*"
_WEIGHT_SHAPES = MapOf(SHAPE, "The shape of the weight of this name.", pattern=_WEIGHT_NAME)

EXPECT = Record(
    "expect",
    {
        "params": Field(MapOf(COUNT, "Number of weights of this layer."), "Layers and their numbers of weights."),
        "weights": Field(
            MapOf(_WEIGHT_SHAPES, "The weights of this layer."), "Layers and the shapes of their weights, as in Keras."
        ),
        "native_weights": Field(
            MapOf(
                MapOf(_WEIGHT_SHAPES, "The weights of this layer, under this framework's own names."),
                "The layers in this lane.",
                pattern=LANE,
            ),
            "Lanes, layers and the shapes of the framework's own weights.",
        ),
        "convention": Field(
            Either((Choice(CONVENTIONS), MapOf(Choice(CONVENTIONS), "The convention of this lane.", pattern=LANE))),
            "Which gradient is taken at a kink or a tie; of all lanes, or lane by lane. Else it is not judged.",
        ),
        "error": Field(
            Either((EXPECTED_ERROR, ListOf(EXPECTED_ERROR, at_least=1))),
            "An error that must happen, or a list of them.",
        ),
    },
    rest=MapOf(
        EXPECTED_NODE,
        'What the node of this name must be; "name[0]" is the first of several outputs, '
        '"layer.weight@3" a weight after the third step of training.',
        NODE_OUTPUT,
    ),
)

_CLAIMED = ListOf(Text(NODE_OUTPUT, "a node"), at_least=2)
DRAWS = Record(
    "claim about draws",
    {
        "node": Field(Text(NODE_OUTPUT, "a node"), "The random node; its numbers are not compared.", required=True),
        "of": Field(Text(NAME, "a name"), "The input or node from which it drops."),
        "dropped": Field(Number(at_least=0, finite=True), "The share of draws that gives 0, up to 1."),
        "scale": Field(Number(finite=True), "What is kept is `of` times this: 1 / (1 - rate) of a dropout."),
        "shared": Field(ListOf(Integer()), "Axes along which all positions share one draw, 0 for the samples."),
        "own": Field(Truth(), "Whether positions along all other axes have draws of their own; true if not given."),
        "among": Field(
            MapOf(Number(at_least=0, finite=True), "nodes, and how likely each is", at_least=2),
            "Each sample is that of one of these nodes: how likely it is of which, each sample by itself.",
        ),
        "between": Field(
            ListOf(Text(NODE_OUTPUT, "a node"), at_least=2),
            "Each sample lies on the straight line between those of these two nodes, at a place drawn uniformly.",
        ),
        "parts": Field(
            Integer(at_least=2),
            "Into how many parts of the line that are equally likely samples are counted; 4 if not given.",
        ),
        "from": Field(
            MapOf(Anything(), "The initialiser's class and its arguments, or a function of keras.random and its own."),
            "What it is drawn from: {type: GlorotUniform}, each sample a weight, or {type: random.gamma, alpha: 2}.",
        ),
    },
)
CLAIM = Record(
    "claim",
    {
        "same": Field(_CLAIMED, "These nodes must all be the same."),
        "differ": Field(_CLAIMED, "No two of these nodes may be the same."),
        "draws": Field(DRAWS, "What must hold of a node that is drawn at random, in each lane by itself."),
    },
    one_of=True,
)

TOLERANCE = Record(
    "tolerance",
    {
        "rtol": Field(Number(at_least=0, finite=True), "Relative tolerance.", required=True),
        "atol": Field(Number(at_least=0, finite=True), "Absolute tolerance.", required=True),
        "reason": Field(Text(), "Why the budget does not do.", required=True),
    },
)

BUDGET = Record(
    "budget",
    {"scale": Field(Number(at_least=0, finite=True), "What is left of the derived budget: up to 1.", required=True)},
)

_VARIED = Either((Null(), Truth(), Integer(), Number(), Text()))
MATRIX = MapOf(
    ListOf(Either((*_VARIED.kinds, ListOf(_VARIED))), at_least=1),
    "Values of this variable; the case runs for each, and for each combination of several variables.",
)

DIMS = MapOf(
    Either((Integer(at_least=0), ListOf(Integer(at_least=0), at_least=1))),
    "Size of this axis, or a list of sizes: the same built layers run at each.",
)

_SHARED = {
    "dims": Field(DIMS, "Named axes and their sizes. A case's are merged over the file's."),
    "dynamic": Field(
        ListOf(Text(NAME, "an axis")),
        "Axes that are None in the symbolic run; `batch` always is. The case's replace the file's.",
    ),
    "source": Field(SOURCE, "Where questions and expected values come from. The case's replaces the file's."),
    "tags": Field(
        ListOf(Text(TAG, "lower-case letters, digits, _ and -")), "Words to select by (`-k`); added to the file's."
    ),
    "questions": Field(
        ListOf(Integer(at_least=1)),
        "Rows of the list of user questions that are settled here. The case's replace the file's.",
    ),
}

CASE = Record(
    "case",
    {
        "id": Field(
            Text(ID, "lower-case letters, digits, _ . and -, starting with a letter or digit"),
            "Names the case within the file; unique there.",
            required=True,
        ),
        "question": Field(Text(), "The question, in the words of somebody who asks it.", required=True),
        "answer": Field(Text(), "The answer, with facts in braces: {node.shape}, {params.layer}, {versions}."),
        "remark": Field(
            Text(), "One sentence for the page: where the usual answer is wrong, or true for some versions only."
        ),
        **_SHARED,
        "inputs": Field(
            MapOf(INPUT, "The array of this name.", at_least=1), "Arrays that the case feeds.", required=True
        ),
        "layers": Field(MapOf(LayerOf(), "The layer of this name."), "Layers, declared once and called in `graph`."),
        "weights": Field(
            MapOf(MapOf(DATA_FILE, "The weight of this name.", pattern=_WEIGHT_NAME), "The weights of this layer."),
            "Weights from data files beside the case file, by layer and name; all others are drawn.",
        ),
        "models": Field(MapOf(MODEL, "The part of the graph of this name."), "Parts of the graph, called like layers."),
        "graph": Field(
            MapOf(
                Text(),
                "An expression: `layer(node)`, lists, subscripts, + - * / @ and operations. Observed, but for names "
                "that start with an underscore.",
                at_least=1,
            ),
            "Named steps, each an expression over inputs and earlier steps.",
            required=True,
        ),
        "training": Field(
            Either((TRAINING, ListOf(TRAINING, at_least=1))),
            "Steps of an optimiser on a loss of the graph, or several such trainings of different layers. The weights "
            "after each step are observed as `layer.weight@step`. Or what `fit` and `evaluate` do with such a model.",
        ),
        "saved": Field(
            SAVED,
            "The model from inputs to observed nodes is saved, and the answers are those of the one that is loaded.",
        ),
        "expect": Field(
            EXPECT, "What is known beforehand: about nodes by name, and params, weights, native_weights, error."
        ),
        "claims": Field(ListOf(CLAIM), "Statements between nodes that must hold in every lane."),
        "kills": Field(ListOf(Text(KILL, "Layer.mutant")), "Mutants that this case must tell from the real layer."),
        "lanes": Field(ListOf(Text(LANE, LANE_FORM), at_least=1), "Only these lanes run the case."),
        "draw": Field(
            Choice(("spread", "integers")),
            "How weights, and inputs without a fill, are drawn. `integers` are -4 to 4: linear layers must then agree "
            "to the last bit. `spread`, the default, gives numbers no two of which are equal.",
        ),
        "no_gradients": Field(Text(), "Why gradients are not compared: a kink or a tie that the question is about."),
        "no_invariants": Field(
            Record("no_invariants", {name: Field(Text(), "Why it is not asked here.") for name in NAMES}),
            "Statements that hold whatever the rounding and are not asked here, each with its reason.",
        ),
        "matrix": Field(
            MATRIX, "Variables and their values: the case runs for each combination; `$name` is the value."
        ),
        "budget": Field(BUDGET, "Tightens the derived budget of every value and gradient."),
        "exact": Field(
            ListOf(Text(NAME, "a node"), at_least=1),
            "Nodes that must be the reference, rounded to float32, to the last bit, though the harness would allow "
            "them roundings. What float32 cannot get wrong is held to that anyway.",
        ),
        "tolerance": Field(TOLERANCE, "Replaces the budget; to be avoided."),
        "time_limit": Field(Number(at_least=0, finite=True), "Seconds that a lane may take."),
    },
)

FILE = Record(
    "case file",
    {
        "schema_version": Field(Choice((SCHEMA_VERSION,)), "The version of this format.", required=True),
        "topic": Field(Text(), "What the questions of this file are about.", required=True),
        **_SHARED,
        "cases": Field(ListOf(CASE, at_least=1), "The questions.", required=True),
    },
)
