"""What lint does without at run time.

`typing` takes as long to import as all of lint's own modules, and its names are needed by type
checkers only. They hold anything called TYPE_CHECKING to be true; here it is false, and what
stands below `if TYPE_CHECKING:` is never loaded.
"""

TYPE_CHECKING = False
