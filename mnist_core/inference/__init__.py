"""A warm process that loads the checkpoints of runs and answers questions about them, and the server's client of it.

The server never imports torch, and a new process would import it for seconds. So the fork server, which has imported it
for the trainers, forks this process, too. On two cores, a forked process answers its first question after 0.2 s, with
24 MB of memory of its own; a new one after 2.7 s, with 318 MB.

It ends when nobody has asked for some minutes, and with the server, however the server ends.
"""
