"""Who may watch and who may act: the two roles, the owner key and its link, and where a request comes from."""
