"""Makes the reduced style tables: `python -m local.speech.voices.make_styles FOLDER`.

FOLDER is `voices` of the npm package kokoro-js 1.2.1 (Apache-2.0), which holds each voice as 510 float32 rows of 256.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np

from local.speech.kokoro import STYLE_ROWS, VOICES_DIR

SOURCES = {
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
}
"""SHA-256 of each voice's file."""
_ROWS, _WIDTH = 510, 256


def main(folder: Path) -> int:
    """Writes NAME.npy beside this file for each voice; 1 when a file is not the one that was measured."""
    for name, expected in SOURCES.items():
        content = (folder / f"{name}.bin").read_bytes()
        if (found := hashlib.sha256(content).hexdigest()) != expected:
            print(f"{name}.bin: expected sha256 {expected}, found {found}", file=sys.stderr)
            return 1
        table = np.frombuffer(content, np.float32).reshape(_ROWS, _WIDTH)
        np.save(VOICES_DIR / f"{name}.npy", table[list(STYLE_ROWS)].astype(np.float16))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
