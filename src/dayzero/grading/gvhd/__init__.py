"""Graft-versus-host disease: stages of organs, and overall grades."""
