"""All explanations by their codes."""

from compose.showing.explanations import conflicts, files, references, settings, values, warnings
from compose.showing.explanations.model import Explanation

CATALOGUE: dict[str, Explanation] = {
    each.code: each
    for family in (files, values, settings, references, conflicts, warnings)
    for each in family.EXPLANATIONS
}
