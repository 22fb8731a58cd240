"""One content, four faces: the same numbers, well formed, and drawn as they should be."""

import collections
import html
import itertools
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.maths.activations import ACTIVATIONS
from chainrule.maths.losses import LOSSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))
ODD = "a_1 & <b> 50 % {x} ^~ $ # \\ “q” ü 日 `c` *d* |e|"


LOSSES_OF_ALL_KINDS = [
    *LOSSES,
    cr.Quantile([0.1, 0.9]),
    cr.GroupedLogLoss([2, 2], label_smoothing=0.2),
    cr.CrossEntropy(label_smoothing=0.1),
]
RULES = [
    cr.SGD(cr.Cosine(0.1, steps=10)),
    cr.SGD(cr.Warmup(cr.OneCycle(0.1, steps=9), steps=2), 0.9),
    cr.Adam(cr.StepDecay(0.1, every=3)),
    cr.AdamW(cr.ExponentialDecay(0.1, steps=10)),
    cr.Nadam(cr.InverseScaling(0.1)),
    cr.RMSprop(lambda step: 0.1),
    cr.Adagrad(cr.Adaptive(0.1)),
    cr.Rprop(0.1),
]


def targets(loss, n):
    if loss == "log_loss":
        return RNG.integers(2, size=n)
    return RNG.integers(2, size=(n, 1 if isinstance(loss, cr.Quantile) else 2))


def workings():
    """Workings of all activations, losses, rules, views, orientations, of one example and more."""
    rules = itertools.cycle(RULES)
    pairs = itertools.zip_longest(ACTIVATIONS, LOSSES_OF_ALL_KINDS, fillvalue="log_loss")
    for at, (g, loss) in enumerate(pairs):
        K = 4 if isinstance(loss, cr.GroupedLogLoss) else 2
        net = cr.Network([3, 4, K], g, loss, dtype="float64", seed=at)
        net.theta += 0.1
        n = 1 + at % 3
        settings = {
            "view": ("both", "scalar", "matrix")[at % 3],
            "orientation": ("rows", "columns")[at % 2],
            "l2": 0.1 * (at % 2),
            "l1": 0.1 * (at % 3 == 2),
            "sample_weight": None if at % 4 else np.arange(1.0, n + 1),
        }
        model = net
        if at % 4:
            model = cr.Learner(net, next(rules), max_grad_norm=(None, 0.05, 50)[at % 3])
            if g != "step" and loss != "indicator":
                model.step(X[:n], targets(loss, n))
        name = loss if isinstance(loss, str) else loss.name
        yield pytest.param(cr.explain(model, X[:n], targets(loss, n), **settings), id=f"{g}-{name}")


ALL = list(workings())


def odd():
    """A working with names of every kind in it."""
    own = cr.Activation(ODD, np.tanh, lambda a: 1 - a * a, takes="a")
    loss = cr.Loss(
        ODD,
        ODD,
        lambda z: z,
        lambda z, y: 0.5 * np.square(z - y).sum(axis=1),
        lambda z, h, y: h - y,
    )
    return cr.explain(cr.Network([3, 4, 2], own, loss), X[:2], np.zeros((2, 2)))


def named():
    """A working with odd labels and names of columns."""
    pd = pytest.importorskip("pandas")
    labels = np.array([ODD, "plain", "other"])[np.arange(30) % 3]
    rows = np.random.default_rng(0).normal(size=(30, 2))
    table = pd.DataFrame(rows, columns=[ODD, "plain"])
    model = cr.MLPClassifier((2,), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(table, labels)
    return cr.explain(model, table[:2], labels[:2])


def numbers(text):
    """How often each number with a decimal point is there, without sign and power of ten."""
    return collections.Counter(re.findall(r"\d+\.\d+", text))


def without_words(text):
    """The text without the numbers of sections, notes and tags, which not every face has."""
    text = re.sub(r"^\d+(\.\d+)*  .*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\b(?:[FB]P|notes |Notes |A\.|B\.|and |Node |node |‘)\d+(?:\.\d+)*", "", text)


@pytest.mark.parametrize("working", ALL)
def test_all_faces_have_the_same_numbers(working):
    text = numbers(without_words(working.text()))
    page = re.sub(r"<style>.*?</style>", "", working.html(), flags=re.DOTALL)
    page = re.sub(r"<mphantom>.*?</mphantom>", "", page)
    page = re.sub(r'<span class="number">.*?</span>', "", page)
    page = html.unescape(re.sub(r"<[^>]*>", " ", page))
    assert numbers(without_words(page)) == text
    for code in (working.latex(), working.markdown()):
        plain = re.sub(r"\\phantom\{[^{}]*\}", "", code)
        plain = plain.partition(r"\begin{document}")[2] or plain
        assert numbers(without_words(plain)) == text


@pytest.mark.parametrize("working", [*ALL, odd, named])
def test_html_is_well_formed_and_alone(working):
    working = working() if callable(working) else working
    for page in (working.html(), f"<div>{working._repr_html_()}</div>"):
        body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
        body = re.sub(r"<(meta|link)[^>]*>", "", body).replace("<wbr>", "<wbr/>")
        root = ET.fromstring(body.replace("<!doctype html>", ""))
        tags = {element.tag for element in root.iter()}
        assert not tags & {"script", "img", "iframe", "object", "form", "input", "svg"}
        assert "math" in tags
        assert not re.search(r"url\(|@import|https?:|src=|javascript:", page)
        for element in root.iter():
            assert not [name for name in element.attrib if name.startswith("on")]
    assert "default-src 'none'" in working.html()
    assert working.html().startswith("<!doctype html>")
    assert not working._repr_html_().startswith("<!doctype")


def test_text_holds_its_width_where_a_formula_lets_it():
    net = cr.Network([3, 4, 2], "tanh", "log_loss", seed=1)
    for width in (60, 80, 120):
        lines = cr.explain(net, X[0], 1).text(width).splitlines()
        words = [line for line in lines if line[:1].isalpha()]
        assert max(map(len, words)) <= width
        assert sum(len(line) > width for line in lines) <= 0.05 * len(lines)


def test_printed_it_is_the_text():
    working = ALL[0].values[0]
    assert str(working) == working.text()
    assert repr(working) == "Derivation('The working of a 3-4-2 network')"
    assert "\N{NO-BREAK SPACE}" not in working.text()


def test_markdown_has_pairs_of_dollars_and_plain_tables():
    for working in (ALL[2].values[0], named()):
        code = working.markdown()
        assert code.count("$$") % 2 == 0
        assert r"\begin{bmatrix*}" not in code
        for line in code.splitlines():
            if line.startswith("| "):
                assert line.endswith(" |")
        outside = re.sub(r"\$\$.*?\$\$", "", code, flags=re.DOTALL)
        assert outside.replace(r"\$", "").count("$") % 2 == 0


# --- LaTeX that compiles --------------------------------------------------------------------------


def compiled(code, folder):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (folder / "working.tex").write_text(code, encoding="utf-8")
    return subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "working.tex"],
        cwd=folder,
        capture_output=True,
        encoding="latin-1",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("make", [odd, named])
def test_latex_compiles_whatever_the_names(make, tmp_path):
    ended = compiled(make().latex(), tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert (tmp_path / "working.pdf").stat().st_size > 10_000


def test_latex_of_all_kinds_compiles_and_fits_the_page(tmp_path):
    """The bodies of all workings in one document: TeX starts once."""
    head, body = "", []
    for param in ALL:
        head, _, rest = param.values[0].latex().partition(r"\begin{document}")
        body.append(rest.partition(r"\end{document}")[0])
    code = "\n".join([head, r"\begin{document}", *body, r"\end{document}"])
    ended = compiled(code, tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    too_wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", ended.stdout)]
    assert max(too_wide, default=0) < 5, sorted(too_wide)[-5:]


def test_latex_of_a_large_network_fits_the_page(tmp_path):
    net = cr.Network([784, 512, 10], "gelu", "log_loss", seed=1)
    x = np.random.default_rng(0).random(784)
    code = cr.explain(net, x, 3, nodes=["2.100", "3.4"], l2=0.1).latex()
    ended = compiled(code, tmp_path)
    assert ended.returncode == 0, ended.stdout[-3000:]
    too_wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", ended.stdout)]
    assert max(too_wide, default=0) < 5, sorted(too_wide)[-5:]


# --- in a browser ---------------------------------------------------------------------------------


def visited(page, folder):
    """Open a page in headless Chromium: what its console said, and which hosts were asked."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    path, log = folder / "page.html", folder / "net.json"
    path.write_text(page, encoding="utf-8")
    ended = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", f"--log-net-log={log}",
            f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert "<body" in ended.stdout, ended.stderr[-2000:]
    console = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    events = json.loads(log.read_text())["events"]
    urls = [event.get("params", {}).get("url", "") for event in events]
    return console, {url.split("/")[2] for url in urls if url.startswith(("http", "ws"))}


def test_a_page_says_nothing_on_the_console_and_asks_no_host(tmp_path):
    for folder in ("ours", "empty", "bad"):
        (tmp_path / folder).mkdir()
    console, hosts = visited(ALL[2].values[0].html(), tmp_path / "ours")
    _, own = visited("<!doctype html><title>x</title><body>x</body>", tmp_path / "empty")
    assert console == []
    assert hosts <= own  # the browser's own
    # The test sees what it is to see:
    bad = '<!doctype html><body><img src="http://host.invalid/a.png"><script>console.error(1)</script>'
    console, hosts = visited(bad, tmp_path / "bad")
    assert len(console) == 1
    assert "host.invalid" in hosts


def test_words_beside_formulas_keep_their_distance():
    net = cr.Network([2, 3, 2], activation="relu", loss="log_loss", seed=0)
    page = cr.explain(net, [0.5, -1.0], 1).html()
    assert "<mtext>if\u00a0</mtext><mi>r</mi><mtext>\u00a0=\u00a0</mtext><mi>k</mi>" in page
    assert "<mtext>if </mtext>" not in page
