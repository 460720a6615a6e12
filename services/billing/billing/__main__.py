"""`python -m billing`: the billing worker."""

from worker.run import run

from billing.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)
