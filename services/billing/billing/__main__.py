"""`python -m billing`: the billing worker."""

from worker.main_process.run import run

from billing.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)
