"""Speaker clustering: pure functions on embeddings, in terms of cosine similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hyperaudio.backends.embedding import unit

if TYPE_CHECKING:
    from hyperaudio.backend import Samples, SpeakerBounds

Floats = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.intp]

MOST_LINKED = 4000
"""Embeddings that are linked with each other at most (64 MB of distances); of more, evenly spaced ones are."""
TEMPERATURE = 0.1
"""Of the softmax over cosines: 0.2 more similar is e^2 times as likely."""
STRANGER = 0.3
"""Cosine an unknown voice is taken to have: above what different people reach as a rule, below the same person."""


def speakers(
    embeddings: Samples, seconds: Floats, *, similarity: float, least_speech: float, bounds: SpeakerBounds
) -> Samples:
    """The voices in a recording, by average-linkage agglomerative clustering of cosine distances.

    Clusters with less than ``least_speech`` are no speakers. Where the count is out of ``bounds``, the tree is cut
    at the nearest level that has the count asked for; if no level has it, clusters of any length count.

    Args:
        embeddings: unit-norm ``(n, dimensions)``, ``n >= 1``.
        seconds: speech behind each, ``(n,)``.
        similarity: mean cosine down to which clusters are merged.
        least_speech: seconds.
        bounds: what is known of the count.

    Returns:
        One unit-norm row per speaker, the mean of its embeddings weighted by their seconds; fewer than the bounds ask
        for where there are fewer embeddings.
    """
    from scipy.cluster.hierarchy import cut_tree, fcluster, linkage

    stride = -(-len(embeddings) // MOST_LINKED)
    embeddings, seconds = embeddings[::stride], seconds[::stride] * stride
    count = len(embeddings)
    if count == 1:
        return embeddings
    tree = linkage(embeddings, "average", metric="cosine")

    def found(labels: Labels, least: float) -> Samples:
        groups = [labels == label for label in np.unique(labels)]
        spoken = [float(seconds[group].sum()) for group in groups]
        kept = [group for group, total in zip(groups, spoken, strict=True) if total >= least]
        return np.stack([mean(embeddings, seconds, group) for group in kept or [groups[int(np.argmax(spoken))]]])

    def level(clusters: int) -> Labels:
        return np.asarray(cut_tree(tree, clusters)[:, 0])

    labels = fcluster(tree, 1.0 - similarity, "distance")
    natural = found(labels, least_speech)
    least, most = bounds.exactly or bounds.least or 1, bounds.exactly or bounds.most or count
    wanted = min(max(len(natural), least), most, count)
    if wanted == len(natural):
        return natural
    clusters = len(np.unique(labels))
    for cut in range(clusters, 0, -1) if wanted < len(natural) else range(clusters, count + 1):
        if len(centroids := found(level(cut), least_speech)) == wanted:
            return centroids
    return found(level(wanted), 0.0)


def mean(embeddings: Samples, seconds: Floats, chosen: npt.NDArray[np.bool_]) -> Samples:
    """Unit-norm mean of the ``chosen`` rows, weighted by their seconds."""
    return unit((embeddings[chosen] * seconds[chosen, None]).sum(axis=0))


def reassign(embeddings: Samples, seconds: Floats, centroids: Samples, rounds: int = 3) -> tuple[Labels, Samples]:
    """Spherical k-means from given centroids: nearest centroid, then new centroids, a few times.

    Args:
        embeddings: unit-norm ``(n, dimensions)``.
        seconds: weight of each, ``(n,)``.
        centroids: unit-norm ``(speakers, dimensions)``.
        rounds: how often.

    Returns:
        The nearest centroid of each embedding ``(n,)``, and the centroids ``(speakers, dimensions)``; one that nothing
        is near to stays as it was.
    """
    labels = np.argmax(embeddings @ centroids.T, axis=1)
    for _ in range(rounds):
        centroids = np.stack(
            [
                mean(embeddings, seconds, labels == k) if (labels == k).any() else centroid
                for k, centroid in enumerate(centroids)
            ]
        )
        labels = np.argmax(embeddings @ centroids.T, axis=1)
    return labels, centroids


def posterior(cosines: Floats) -> Floats:
    """How likely each speaker is, given the cosines ``(n, speakers)`` to their centroids: a softmax in which an
    unknown voice at :data:`STRANGER` takes part, so that a row may sum to less than 1.
    """
    weights = np.exp((cosines - STRANGER) / TEMPERATURE)
    return np.asarray(weights / (1.0 + weights.sum(axis=1, keepdims=True)))
