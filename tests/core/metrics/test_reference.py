"""Values of the public toolbox that the paper used (imageFusionMetrics by Z. Liu, 2017), run under GNU Octave."""

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core.metrics import METRICS

NAMES = ("qg", "qm", "qcb", "qmi", "qncie", "qy", "qs", "qc", "qp")
TOLERANCE = {"qg": 1e-6, "qm": 1e-6, "qcb": 1e-6, "qp": 1e-9}
# fmt: off
REFERENCE = {
    "average0": (
        0.636214053159, 2.83220688453, 0.734386759709, 0.670317514743,
        0.814959114096, 0.873569444084, 0.999831630256, 0.826497915803, 0.783241935361,
    ),
    "average1": (
        0.636915912823, 2.83102343628, 0.740616980493, 0.671012280044,
        0.815070963771, 0.87352168943, 0.999831692668, 0.826417594117, 0.787899061622,
    ),
    "eightbit0": (
        0.760944951361, 2.95072815507, 0.803037430346, 1.01191154375,
        0.829058098046, 0.979763760135, 0.999919591107, 0.8692987161, 0.690388051662,
    ),
    "eightbit1": (
        0.759923608986, 2.95087821593, 0.787896970201, 1.01258895832,
        0.829213536256, 0.979233790995, 0.999919918576, 0.868258747817, 0.693338092814,
    ),
    "perfect0": (
        0.815487792423, 2.98245833692, 0.837748709547, 1.07491948845,
        0.832803076509, 0.995250718364, 0.99996176443, 0.895362060597, 0.817959962028,
    ),
    "perfect1": (
        0.815835329507, 2.98206549515, 0.820172627172, 1.03222678438,
        0.83049016108, 0.995305073019, 0.999962133537, 0.895440861823, 0.826539026759,
    ),
    "shifted0": (
        0.761450778624, 2.95299785719, 0.805455256725, 1.0552061567,
        0.831427030334, 0.979803553832, 0.999919599539, 0.869320403027, 0.690972522654,
    ),
    "shifted1": (
        0.760441792859, 2.95318579691, 0.787896970201, 1.01258895832,
        0.829213536256, 0.979270831043, 0.999919915798, 0.86827551244, 0.693652469002,
    ),
}
# fmt: on


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("triple", REFERENCE)
def test_the_toolbox_says_the_same(triples, triple, name):
    a, b, fused = triples[triple]
    expected = REFERENCE[triple][NAMES.index(name)]
    assert METRICS[name].score([a, b], fused) == pytest.approx(expected, rel=TOLERANCE.get(name, 1e-4))


def test_and_so_does_the_public_function(triples):
    a, b, fused = triples["eightbit0"]
    scores = ff.measure([a, b], fused)
    for name, expected in zip(NAMES, REFERENCE["eightbit0"], strict=True):
        assert scores[name] == pytest.approx(expected, rel=TOLERANCE.get(name, 1e-4))


def test_truth_and_gradients_by_their_formulas(triples):
    a, b, fused = triples["shifted0"]
    truth = triples["perfect0"][2]
    scores = ff.measure([a, b], fused, truth=truth)
    assert scores["psnr"] == pytest.approx(-10 * np.log10(((truth - fused) ** 2).mean()))
    assert scores["bias"] == pytest.approx((fused - truth).mean())
    assert 0.9 < scores["ssim"] < 1
    across, down = fused[:-1, 1:] - fused[:-1, :-1], fused[1:, :-1] - fused[:-1, :-1]
    assert scores["ag"] == pytest.approx(np.hypot(across, down).mean() / np.sqrt(2))
    assert scores["gld"] == pytest.approx((abs(across) + abs(down)).mean())
    squares = ((fused[:, 1:] - fused[:, :-1]) ** 2).sum() + ((fused[1:] - fused[:-1]) ** 2).sum()
    assert scores["sf"] == pytest.approx(np.sqrt(squares / fused.size))
