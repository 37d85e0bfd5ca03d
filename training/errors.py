"""The errors of training: each text is one sentence for the person at the terminal.

TrainingError
├── DataError         a data folder, an .npz file or a folder of images that cannot be used
├── RecipeError       an unknown recipe, or options, a network or a checkpoint that do not fit it
├── ExportError       a network that cannot be exported, or a folder that cannot be written
└── TensorBoardError  TensorBoard is missing or its logs cannot be written
"""


class TrainingError(Exception):
    """The base class; its text is one sentence that says what is wrong and what to do."""


class DataError(TrainingError):
    """A data folder, an .npz file or a folder of images that cannot be used."""


class RecipeError(TrainingError):
    """An unknown recipe, or options, a network or a checkpoint that do not fit it."""


class ExportError(TrainingError):
    """A network that cannot be exported, or a folder that cannot be written."""


class TensorBoardError(TrainingError):
    """TensorBoard is missing or its logs cannot be written."""
