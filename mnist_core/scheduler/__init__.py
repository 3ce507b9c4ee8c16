"""Which run trains where: the queue, the processes that train, and what becomes of runs whose process is gone."""
