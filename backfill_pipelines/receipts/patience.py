"""How long a fetch waits before it tries something again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long is waited before something is tried again, in seconds; drawn between zero or least and a ceiling."""

    transient_least: float = 1.0
    transient_most: float = 30.0
    refused_first: float = 1.0
    refused_most: float = 60.0
    #: Between two looks at an id that another process fetches, at the stop request, at the paused rate.
    look: float = 0.25

    def transient(self, failures: int) -> float:
        """Before the attempt that follows so many failures."""
        ceiling = min(self.transient_most, self.transient_least * 2**failures)
        return random.uniform(self.transient_least, max(self.transient_least, ceiling))

    def refused(self, refusals: int) -> float:
        """After so many refusals in a row, where the API does not say how long."""
        return random.uniform(0.0, min(self.refused_most, self.refused_first * 2 ** (refusals - 1)))


#: The waiting times of the documents.
PATIENT = Patience()
