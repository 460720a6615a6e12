"""For the tests of back offices: the tools as an agent calls them, a database of either kind, and a suite of attacks."""

from backoffice.testing.attacks import Attack, attack_name, attacks
from backoffice.testing.call import KEY, Call, forged, opened
from backoffice.testing.schema import schema_differences, take_back

__all__ = ["KEY", "Attack", "Call", "attack_name", "attacks", "forged", "opened", "schema_differences", "take_back"]
