"""How a batch becomes optimiser steps."""
