"""The benchmark: contenders on pairs and on simulated stacks, scored, compared, and written down.

`plan` says what to run, `run` does it; `contenders` and `peers` fuse, `scenes` makes stacks, `scoring` measures, `rows`
keeps results on disk, and `report_pairs`, `report_simulated`, `figures` and `plots` tell what came out. Parts of our
own method are compared by `activities` (with `tuning`), `ablation` and `series`. How methods and metrics work is not
here: they are taken from the API and the core. `command` is what ``focusfuse bench`` runs; the other modules that can
be run, as in ``python -m benchmarks.speed``, measure one thing each. Nothing imports this package.
"""
