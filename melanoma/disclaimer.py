"""The disclaimers that summaries, reports and pages print: figures of a model are not a diagnosis."""

NO_DIAGNOSIS = (
    "These are probabilities from a statistical model, not a diagnosis. No physician has seen the photographs."
)
NO_CLINICAL_VALIDATION = (
    "These figures measure a statistical model. They are not a diagnosis and not a clinical validation: they do not "
    "show how the model performs on other people, cameras or places."
)
