"""Beam ships this project to its workers through --setup_file; pyproject.toml holds everything else."""

from setuptools import setup

setup()
