"""Qmi: normalised mutual information of the sources and the fused image (Hossny et al. 2008)."""

from collections.abc import Sequence

from napari_focusfuse.core.metrics._levels import grey_levels, information
from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["QMI", "qmi"]


def qmi(sources: Sequence[Image], fused: Image) -> float:
    """Normalised mutual information Qmi, in [0, 2].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        2 [I(A, F) / (H(A) + H(F)) + I(B, F) / (H(B) + H(F))] over 256 grey levels. For N sources the sum is multiplied
        by 2 / N, so that the range stays; two constant images are alike.
    """
    levels = grey_levels(fused)
    total = 0.0
    for source in sources:
        mutual, of_source, of_fused = information(grey_levels(source), levels)
        entropies = of_source + of_fused
        total += 2 * mutual / entropies if entropies else 1.0
    return 2 * total / len(sources)


QMI = Metric(
    name="qmi",
    title="Qmi",
    function=qmi,
    needs="sources",
    better="high",
    low=0,
    high=2,
    smallest=1,
    measures="how much the grey levels of the fused image tell about those of the sources",
    blind_to="where things are: sharp and blurred pixels count alike, and one copied source scores well",
    reference="Hossny, Nahavandi, Creighton 2008, Electron. Lett. 44, 1066-1067",
)
