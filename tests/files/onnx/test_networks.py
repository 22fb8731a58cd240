"""Networks to ONNX and back: every activation, loss and dtype, judged by ONNX Runtime."""

import contextlib
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import chainrule as cr
from chainrule import errors
from chainrule.files.plain import NORMAL_TAIL, NORMAL_TAIL_MIDDLE
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

CLOSE = {"float32": 1e-5, "float64": 1e-13}
WITH_PARAMETERS = (
    *(cr.Huber(2.0), cr.Quantile([0.1, 0.9]), cr.LogLoss(0.1), cr.CrossEntropy(0.1)),
    cr.GroupedLogLoss([2, 4]),
)


def network(g, loss, dtype, sizes=(5, 17, 9, 6)):
    net = cr.Network(sizes, g, loss, dtype=dtype, seed=3)
    for i, b in enumerate(net.biases):
        b[...] = np.random.default_rng(i).normal(size=b.shape)
    return net


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("g", ACTIVATIONS)
def test_onnx_runtime_computes_what_we_do(g, dtype, answers, far):
    X = np.random.default_rng(0).normal(size=(1000, 5)).astype(dtype)
    for loss in (*LOSSES, *WITH_PARAMETERS):
        net = network(g, loss, dtype)
        (h,) = answers(cr.to_onnx(net), X).values()
        assert h.dtype == dtype
        assert far(h, net(X)) <= CLOSE[dtype], loss


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("g", ACTIVATIONS)
def test_back_come_the_same_bits(g, dtype):
    for loss in (*LOSSES, cr.GroupedLogLoss([2, 4])):
        net = network([g, "tanh"], loss, dtype)
        back = cr.from_onnx(cr.to_onnx(net).SerializeToString(), loss=net.architecture.loss)
        assert back.architecture == net.architecture
        np.testing.assert_array_equal(back.theta, net.theta)
        assert (
            cr.from_onnx(cr.to_onnx(net)).architecture.activations == net.architecture.activations
        )


def test_rows_are_free_and_a_learner_is_its_network(answers):
    net = network("tanh", "log_loss", "float32")
    made = cr.to_onnx(cr.Learner(net))
    for n in (1, 3):
        X = np.ones((n, 5), np.float32)
        np.testing.assert_allclose(answers(made, X)["h"], net(X), atol=1e-6)
    assert made.producer_name == "chainrule"
    assert [node.op_type for node in made.graph.node] == ["Gemm", "Tanh"] * 2 + ["Gemm", "Softmax"]


@pytest.mark.parametrize("dtype", CLOSE)
def test_another_dtype(dtype, answers, far):
    net = network("gelu", "log_loss", "float64")
    X = np.random.default_rng(0).normal(size=(50, 5))
    (h,) = answers(cr.to_onnx(net, dtype=dtype), X).values()
    assert h.dtype == dtype
    assert far(h, net(X)) <= CLOSE[dtype]


def test_the_tail_of_the_normal_distribution_is_the_cores(far):
    from scipy.special import ndtr

    a = np.linspace(0, 37, 20_000)
    y = (a - NORMAL_TAIL_MIDDLE) / (a + NORMAL_TAIL_MIDDLE)
    q = np.polynomial.polynomial.polyval(y, NORMAL_TAIL)
    tail = np.exp(-0.5 * a * a) * q / (a + NORMAL_TAIL_MIDDLE)
    assert (np.abs(tail / ndtr(-a) - 1)[a < 5]).max() < 1e-14
    assert (np.abs(tail / ndtr(-a) - 1)).max() < 1e-12


def test_what_is_not_ours_is_refused():
    square = cr.Activation("square", lambda z: z * z, lambda z: 2 * z)
    with pytest.raises(errors.InvalidInput, match="activation 'square' is your own function"):
        cr.to_onnx(cr.Network([2, 3, 2], square))
    own = cr.Loss("own", "identity", lambda z: z, lambda z, y: z[:, 0], lambda z, h, y: z)
    with pytest.raises(errors.InvalidInput, match="loss 'own' is your own function"):
        cr.to_onnx(cr.Network([2, 2], loss=own))
    net = cr.Network([2, 2], dtype="float64")
    net.theta[0] = 1e300
    with pytest.raises(errors.InvalidInput, match="NaN or infinity in float32"):
        cr.to_onnx(net, dtype="float32")
    with pytest.raises(errors.InvalidInput, match="Got an object of int"):
        cr.to_onnx(3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.InvalidParameter, match="float16"):
        cr.to_onnx(net, dtype="float16")


# from ONNX of others


def graph(*nodes, **constants):
    """Make a model of nodes, from "x" to the last one's output, with arrays by name."""
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None])]
        for name in ("x", nodes[-1].output[0])
    ]
    arrays = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in constants.items()
    ]
    made = helper.make_graph(list(nodes), "g", *ends, initializer=arrays)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


W, V = [[1.0, 2, 3], [4, 5, 6]], [[1.0], [2], [3]]
node = helper.make_node


@pytest.mark.parametrize(
    "layer",
    [
        (node("Gemm", ["x", "W", "b"], ["z"]),),
        (node("Gemm", ["x", "Wt", "b"], ["z"], transB=1),),
        (node("Gemm", ["x", "half", "twice"], ["z"], alpha=2.0, beta=0.5),),
        (node("MatMul", ["x", "W"], ["m"]), node("Add", ["m", "b"], ["z"])),
        (node("MatMul", ["x", "W"], ["m"]), node("Add", ["row", "m"], ["z"])),
        (node("Identity", ["x"], ["i"]), node("Gemm", ["i", "W", "b"], ["z"])),
    ],
)
def test_layers_of_others(layer, answers):
    b = np.array([0.5, -1, 2])
    arrays = {"W": W, "Wt": np.transpose(W), "half": np.array(W) / 2, "V": V}
    arrays |= {"b": b, "twice": 2 * b, "row": b[np.newaxis]}
    nodes = (*layer, node("Relu", ["z"], ["a"]), node("MatMul", ["a", "V"], ["y"]))
    used = {name for each in nodes for name in each.input}
    made = graph(*nodes, **{name: value for name, value in arrays.items() if name in used})
    net = cr.from_onnx(made)
    assert net.sizes == (2, 3, 1)
    assert not net.biases[1].any()
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    np.testing.assert_allclose(net(X), answers(made, X)["y"], rtol=1e-5, atol=1e-5)


GELU = (
    *(
        node("Div", ["z", "root"], ["d"]),
        node("Erf", ["d"], ["e"]),
        node("Add", ["e", "one"], ["p"]),
    ),
    *(node("Mul", ["z", "p"], ["q"]), node("Mul", ["q", "half"], ["a"])),
)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("gelu", GELU),
        ("gelu", (node("Gelu", ["z"], ["a"]),)),
        ("mish", (node("Mish", ["z"], ["a"]),)),
        ("silu", (node("Sigmoid", ["z"], ["s"]), node("Mul", ["s", "z"], ["a"]))),
        ("elu", (node("Elu", ["z"], ["a"]),)),
        ("leaky_relu", (node("LeakyRelu", ["z"], ["a"]),)),
    ],
)
def test_activations_of_others(name, nodes, answers):
    arrays = {"root": 2**0.5, "one": 1.0, "half": 0.5} if nodes is GELU else {}
    made = graph(
        *(node("MatMul", ["x", "W"], ["z"]), *nodes, node("MatMul", ["a", "V"], ["y"])),
        **{"W": W, "V": V, **arrays},
    )
    net = cr.from_onnx(made)
    assert [g.name for g in net.architecture.activations] == [name]
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    np.testing.assert_allclose(net(X), answers(made, X)["y"], rtol=1e-5, atol=1e-5)


LINEAR, LAST = node("MatMul", ["x", "W"], ["z"]), node("MatMul", ["a", "V"], ["y"])


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ((LINEAR, node("Tanh", ["z"], ["y"])), "ends with tanh"),
        ((node("Relu", ["x"], ["y"]),), "begins with no layer"),
        (
            (LINEAR, node("LeakyRelu", ["z"], ["a"], alpha=0.2), node("MatMul", ["a", "V"], ["y"])),
            "0.2",
        ),
        (
            (LINEAR, node("Softmax", ["z"], ["a"]), node("MatMul", ["a", "V"], ["y"])),
            "has a MatMul",
        ),
        ((LINEAR, node("Cos", ["z"], ["y"])), "has a Cos at 'z'"),
        ((node("MatMul", ["x", "x"], ["y"]),), "not a constant matrix"),
        ((LINEAR, node("Relu", ["z"], ["extra"]), node("Sigmoid", ["z"], ["y"])), "Relu beside"),
    ],
)
def test_other_graphs_are_refused(nodes, said):
    used = {name for each in nodes for name in each.input}
    arrays = {name: value for name, value in {"W": W, "V": V}.items() if name in used}
    with pytest.raises(errors.InvalidFile, match=said):
        cr.from_onnx(graph(*nodes, **arrays))


@pytest.mark.parametrize("content", [b"", b"no model", b"\0" * 99, b"\x08\x07"])
def test_files_that_are_no_models(content, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    for source in (content, path, str(path)):
        with pytest.raises(errors.InvalidFile, match="not an ONNX model"):
            cr.from_onnx(source)
    with pytest.raises(errors.MissingFile):
        cr.from_onnx(tmp_path / "none")
    with pytest.raises(errors.InvalidInput, match=r"path of a file.* Got an object of Network"):
        cr.from_onnx(cr.Network([2, 1], loss="squared_error"))


def test_the_loss_can_be_said_where_the_model_ends_with_the_raw_z():
    net = cr.Network([2, 3, 2], loss="squared_error")
    assert cr.from_onnx(cr.to_onnx(net), loss="log_loss").architecture.loss.name == "log_loss"
    softmax = cr.to_onnx(cr.Network([2, 3, 2]))
    with pytest.raises(errors.InvalidParameter, match="the layers end with 'softmax'"):
        cr.from_onnx(softmax, loss="huber")


def test_without_the_packages(monkeypatch):
    content = cr.to_onnx(cr.Network([2, 2])).SerializeToString()
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(errors.MissingExtra, match="to_onnx needs skl2onnx, which is not"):
        cr.to_onnx(cr.Network([2, 2]))
    assert tuple(cr.from_onnx(content).sizes) == (2, 2)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(errors.MissingExtra, match=r"needs onnx and skl2onnx.*'\.\[all\]'"):
        cr.to_onnx(cr.Network([2, 2]))
    with pytest.raises(errors.MissingExtra, match=r"from_onnx needs onnx.*'\.\[all\]'"):
        cr.from_onnx(content)


@given(st.integers(0, 2), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1))
def test_damaged_models_are_refused_or_read(which, changes):
    content = bytearray(MODELS[which])
    for place, new in changes:
        at = int(place * len(content))
        content[at : at + len(new)] = new
    with contextlib.suppress(errors.ChainruleError):
        cr.from_onnx(bytes(content))


MODELS = [
    cr.to_onnx(cr.Network([3, 4, 2], g)).SerializeToString() for g in ("gelu", "relu", "mish")
]


def test_a_model_with_several_ends_is_refused():
    made = graph(LINEAR, node("Tanh", ["z"], ["y"]), W=W)
    made.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, None))
    with pytest.raises(errors.InvalidFile, match="1 inputs and 2 outputs"):
        cr.from_onnx(made)
    assert isinstance(made, onnx.ModelProto)
