"""`TYPE_CHECKING` without the import of `typing`.

`typing` takes as long to import as all of lint's own modules, and its names are needed by type
checkers only. They take any value called TYPE_CHECKING for true; here it is false, and imports
under `if TYPE_CHECKING:` are never loaded.
"""

TYPE_CHECKING = False
