"""llama-server's own routes, for models of either engine.

Reference: llama.cpp tools/server README. Where its router takes `model`, it may be left out here: the only loaded model
answers, or, where none or several are loaded, the first by id that is not broken; none made for something else does.
"""

from __future__ import annotations

from dovetail.gateway.dialects.llamacpp import completion, embedding, lora, models, slots, tokens

ROUTERS = (completion.router, tokens.router, embedding.router, models.router, slots.router, lora.router)
