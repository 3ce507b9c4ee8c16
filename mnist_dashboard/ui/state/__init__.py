"""State that outlives a drawing of the page: in its address, in the browser and in widgets."""
