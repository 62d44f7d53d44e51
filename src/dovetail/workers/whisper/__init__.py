"""The worker of models that hear: uploads are decoded here, bounded, and written down by CTranslate2 or by MLX."""
