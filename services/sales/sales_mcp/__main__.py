"""`python -m sales_mcp --host 127.0.0.1 --port 8000`: sales' back office."""

from backoffice.run import main
from sqlalchemy.orm import Session

from sales_mcp import seed
from sales_mcp.settings import Settings
from sales_mcp.tools import make_office


def _seed(session: Session) -> None:
    seed.examples(session, today=Settings.from_env().now().date())


if __name__ == "__main__":
    raise SystemExit(main("sales", make_office, read_settings=Settings.from_env, seed=_seed))
