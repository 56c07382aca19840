"""Recurrent networks: qLSTM and RG-LRU in native and DSF form, RNN and LSTM along a trajectory.

Inputs and gates have shape (..., L, d), already projected; gates come before their sigmoid.

A sequence may come in pieces: with `return_state=True` qLSTM and RG-LRU also return the last state
H, (..., 1, d), and `state` takes it for the piece after. It is the state of their DSF form. That of
the expanded qLSTM, the book's own, is (..., n, d).
"""

from dsf.rnn.qlstm import qlstm, qlstm_system
from dsf.rnn.qlstm_expanded import qlstm_expanded, qlstm_expanded_system
from dsf.rnn.rg_lru import rg_lru, rg_lru_system
from dsf.rnn.trajectory import Trajectory, elman, elman_trajectory, lstm, lstm_trajectory

__all__ = [
    "Trajectory",
    "elman",
    "elman_trajectory",
    "lstm",
    "lstm_trajectory",
    "qlstm",
    "qlstm_expanded",
    "qlstm_expanded_system",
    "qlstm_system",
    "rg_lru",
    "rg_lru_system",
]
