"""`python -m technical_mcp --host 127.0.0.1 --port 8000`: migrates, then serves."""

from backoffice.run import main

from technical_mcp import seed, tools
from technical_mcp.settings import read_settings

if __name__ == "__main__":
    raise SystemExit(main("technical", tools.office, read_settings=read_settings, seed=seed.examples))
