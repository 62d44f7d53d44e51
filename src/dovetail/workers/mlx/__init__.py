"""The MLX worker: one model on mlx-lm, served in the OpenAI dialect as llama-server speaks it."""
