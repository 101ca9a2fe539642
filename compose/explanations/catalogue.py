"""All explanations by their codes."""

from compose.explanations import conflicts, files, references, values
from compose.explanations.model import Explanation

CATALOGUE: dict[str, Explanation] = {
    each.code: each
    for family in (files.EXPLANATIONS, values.EXPLANATIONS, references.EXPLANATIONS, conflicts.EXPLANATIONS)
    for each in family
}
