"""All explanations by their codes."""

from compose.explanations import conflicts, files, references, settings, values, warnings
from compose.explanations.model import Explanation

CATALOGUE: dict[str, Explanation] = {
    each.code: each
    for family in (files, values, settings, references, conflicts, warnings)
    for each in family.EXPLANATIONS
}
