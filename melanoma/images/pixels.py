"""The type of decoded photographs."""

import numpy as np
import numpy.typing as npt

# RGB values from 0 to 255, shape (height, width, 3) for one photograph and (n, height, width, 3) for a batch.
Pixels = npt.NDArray[np.uint8]
