"""Finer diagnoses and the classes that include them, such as solar lentigo among the benign keratoses.

Sources: P. Tschandl, C. Rosendahl, H. Kittler, "The HAM10000 dataset", Scientific Data 5, 2018, for the classes
`akiec`, `bkl` and `vasc`; J. Kawahara et al., "Seven-Point Checklist and Skin Lesion Classification", IEEE JBHI 23,
2019, for the kinds of nevus and melanoma.
"""

from collections import defaultdict
from collections.abc import Collection

_NEVI = (
    *("acral", "atypical", "blue", "clark", "combined", "common", "compound", "congenital", "dermal", "dysplastic"),
    *("halo", "intradermal", "junctional", "recurrent", "reed", "reed_or_spitz", "spitz"),
)
# Class, and the slugs of what it includes.
_SUBCLASSES = (
    ("benign_keratosis", ("pigmented_benign_keratosis", "seborrheic_keratosis", "solar_lentigo")),
    ("benign_keratosis", ("lichen_planus_like_keratosis", "lichenoid_keratosis", "benign_lichenoid_keratosis")),
    ("seborrheic_keratosis", ("irritated_seborrheic_keratosis", "seborrheic_keratosis_irritated")),
    ("vascular_lesion", ("angiokeratoma", "angioma", "cherry_angioma", "haemangioma", "hemangioma", "hemorrhage")),
    ("vascular_lesion", ("pyogenic_granuloma",)),
    ("melanoma", ("acral_lentiginous_melanoma", "amelanotic_melanoma", "lentigo_maligna", "lentigo_maligna_melanoma")),
    ("melanoma", ("melanoma_in_situ", "melanoma_invasive", "melanoma_metastasis", "melanoma_nos", "nodular_melanoma")),
    ("melanoma", ("nodular_melanoma_nm", "superficial_spreading_melanoma", "superficial_spreading_melanoma_ssm")),
    ("basal_cell_carcinoma", ("nodular_basal_cell_carcinoma", "superficial_basal_cell_carcinoma")),
    ("basal_cell_carcinoma", ("basal_cell_carcinoma_morpheiform", "solid_cystic_basal_cell_carcinoma")),
    ("nevus", ("atypical_spindle_cell_nevus_of_reed", "nevocytic_nevus")),
    ("actinic_keratosis", ("solar_or_actinic_keratosis",)),
    ("nevus", tuple(f"{kind}_{word}" for kind in _NEVI for word in ("nevus", "naevus"))),
    # Bowen's disease is a squamous cell carcinoma to the ISIC Archive, and one of akiec in HAM10000.
    *(
        (name, ("bowen_disease", "bowen_s_disease", "bowens_disease", "squamous_cell_carcinoma_in_situ"))
        for name in ("squamous_cell_carcinoma", "actinic_keratosis")
    ),
)
_CLASSES_OF: defaultdict[str, list[str]] = defaultdict(list)
for _name, _finer in _SUBCLASSES:
    for _slug in _finer:
        _CLASSES_OF[_slug].append(_name)


def nearest_class(slug: str, known: Collection[str]) -> str:
    """Returns the class among `known` that a label counts as: its own, or the nearest one that includes it.

    Args:
        slug: The label.
        known: Slugs of the classes that a model knows.

    Returns:
        The slug of that class; `slug` itself if no class in `known` includes it.

    Example:
        >>> nearest_class("solar_lentigo", ["melanoma", "benign_keratosis"])
        'benign_keratosis'
    """
    nearest = [slug]
    while nearest:
        if found := next((name for name in nearest if name in known), None):
            return found
        nearest = [wider for name in nearest for wider in _CLASSES_OF.get(name, ())]
    return slug


def includes(wider: str, slug: str) -> bool:
    """Returns whether a class includes a finer one."""
    return wider != slug and nearest_class(slug, (wider,)) == wider
