"""`make bench`: measures in one run and prints medians and ratios; nothing here passes or fails."""

import argparse
import os

from tests.bench import (
    analyse_bench,
    backtest_bench,
    decide_bench,
    due_bench,
    memory_bench,
    reload_bench,
    rpc_bench,
    timers_bench,
)

BENCHES = {
    "analyse": analyse_bench.main,
    "decide": decide_bench.main,
    "due": due_bench.main,
    "rpc": rpc_bench.main,
    "reload": reload_bench.main,
    "backtest": backtest_bench.main,
    "memory": memory_bench.main,
    "timers": timers_bench.main,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which to run; all when left out")
    arguments = parser.parse_args()
    # The benches have read theirs by now; a server that they start would take them for a mistake.
    for name in [name for name in os.environ if name.startswith("ANSWERBY_BENCH_")]:
        del os.environ[name]
    for name in arguments.names or BENCHES:
        print(f"== {name}", flush=True)
        BENCHES[name]()


if __name__ == "__main__":
    main()
