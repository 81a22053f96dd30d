"""Shapes of evidence."""

from typing import Annotated, Any

from keeptrusts.api.shapes import MISSING, Missing, Positive, Shape, about


class LogShape(Shape):
    """The log, by which its checkpoints are verified."""

    key: Annotated[str, about("The public key, as signed notes have it: NAME+ID+KEY.")]
    epoch: Annotated[Positive, about("Of the tree that grows; a restore begins a new one.")]


class TreeShape(Shape):
    """Entries of one tree, upon one checkpoint of it."""

    epoch: Positive
    checkpoint: Annotated[str, about("A signed note, with the signatures of witnesses.")]
    entries: Annotated[list[dict[str, Any]], about("Leaf, index, proof, and values with salts.")]
    since: (
        Annotated[dict[str, Any], about("Proof that it grew from a checkpoint of this size.")]
        | Missing
    ) = MISSING


class EvidenceShape(Shape):
    """A file of evidence, for `kt evidence verify`."""

    format: str
    question: Annotated[dict[str, str], about("A gateway or a configuration, and a time.")]
    key: Annotated[str, about("The log's public key.")]
    trees: list[TreeShape]
