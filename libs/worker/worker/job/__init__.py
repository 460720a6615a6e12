"""One call's job process: how it comes to its call, what it holds meanwhile, and how it leaves."""
