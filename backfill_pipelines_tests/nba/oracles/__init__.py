"""The contexts of phase 3 and the tables of phase 4 computed a second time, from the specification alone.

One module for each kind of table, written without the SQL of the project, game by game and with exact fractions.
A table is computed from the stored rows of the tables that it reads, so each is judged on its own.
"""
