import "@mamba/run/worker";
