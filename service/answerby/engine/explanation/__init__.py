"""Why a decision is as it is, as data and in words."""
