"""`python -m technical`: the technical worker."""

from worker.main_process.run import run

from technical.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)
