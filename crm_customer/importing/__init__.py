"""Reading customers' own files: templates, files and values, without the database."""

from .reader import ImportFile, UnreadableFileError
from .template import ImportColumn, ImportTemplate
from .value import ValueReader
