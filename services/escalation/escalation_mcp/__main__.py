"""`python -m escalation_mcp --port N`: escalation's back office."""

from backoffice.run import main

from escalation_mcp.office import make_office
from escalation_mcp.seed import examples
from escalation_mcp.settings import EscalationSettings

if __name__ == "__main__":
    raise SystemExit(main("escalation", make_office, read_settings=EscalationSettings.from_env, seed=examples))
