"""A warm process that loads the checkpoints of runs and answers questions about them, and the server's client of it.

The server never imports torch, and a new process would import it for seconds. So the fork server, which has imported it
for the trainers, forks this process, too. Measured on two cores: forked, it answers the first question 0.3 s after it
was asked and has 80 MB of memory of its own; started anew, it takes 3.4 s and 330 MB.

It ends when nobody has asked for some minutes, and with the server, however the server ends.
"""
