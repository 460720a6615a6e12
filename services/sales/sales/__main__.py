"""`python -m sales`: the sales worker."""

from worker.main_process.run import run

from sales.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)
