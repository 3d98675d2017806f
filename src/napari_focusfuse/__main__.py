"""``python -m napari_focusfuse`` is the command ``focusfuse``."""

import sys

from napari_focusfuse.cli import main

if __name__ == "__main__":
    sys.exit(main())
