"""Everything that can go wrong in training, each with a sentence for the person at the terminal.

TrainingError
├── DataError      a data folder, an .npz or a folder of images that cannot be used
├── RecipeError    a recipe that does not exist
├── ExportError    a model that cannot be written
└── BoardError     logs for TensorBoard that cannot be written
"""


class TrainingError(Exception):
    """The root: its text is one sentence that says what to do."""


class DataError(TrainingError):
    """A data folder, an .npz or a folder of images that cannot be used."""


class RecipeError(TrainingError):
    """A recipe that does not exist."""


class ExportError(TrainingError):
    """A model that cannot be written."""


class BoardError(TrainingError):
    """Logs for TensorBoard that cannot be written."""
