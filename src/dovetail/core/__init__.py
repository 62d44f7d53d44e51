"""What Dovetail talks about: frozen values shared by every layer, standard library and pydantic only."""
