"""What the two engines share: the graph, what is stale, `dvc.lock`, and the job of Snakemake."""
