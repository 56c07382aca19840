"""Figures that a reader can turn by hand, in notebooks and, without a kernel, in the pages.

Each is an anywidget: in a notebook its traits follow the controls and the controls follow the
traits (``w.n = 8``, ``w.observe(...)``). Its ``text/html`` is the same figure for a page: where the
book is built the same JavaScript draws its first state, and in the browser it takes over.

Needs anywidget (``pip install "dsf-book[notebooks]"``); ``import dsf`` does not.
"""

from dsf.widgets import base as base  # first: it says what to install where anywidget is missing
from dsf.widgets.cache import CacheGrows
from dsf.widgets.care import CareTaken
from dsf.widgets.chunks import ChunkLength
from dsf.widgets.clock import SetTheClock
from dsf.widgets.decay import DecayAndMemory
from dsf.widgets.dictionary import DictionaryRecall
from dsf.widgets.explorer import DSFExplorer
from dsf.widgets.exponent import SignAndExponent
from dsf.widgets.family import FamilyPicture
from dsf.widgets.flagged import LastFlagged
from dsf.widgets.gallery import FeatureMapGallery
from dsf.widgets.hero import KeyValueMemory
from dsf.widgets.lab import MQARLab
from dsf.widgets.message import MessageAndNoise
from dsf.widgets.mqar import MQARExplorer
from dsf.widgets.pairs import PairsRecalled
from dsf.widgets.parity import ParityState
from dsf.widgets.pole import PoleAndResponse
from dsf.widgets.reached import RecallReached
from dsf.widgets.softmax import SoftmaxApproximation
from dsf.widgets.spring import SpringSwings
from dsf.widgets.tree import ScanTree
from dsf.widgets.weights import RowOfWeights

__all__ = [
    "CacheGrows",
    "CareTaken",
    "ChunkLength",
    "DSFExplorer",
    "DecayAndMemory",
    "DictionaryRecall",
    "FamilyPicture",
    "FeatureMapGallery",
    "KeyValueMemory",
    "LastFlagged",
    "MQARExplorer",
    "MQARLab",
    "MessageAndNoise",
    "PairsRecalled",
    "ParityState",
    "PoleAndResponse",
    "RecallReached",
    "RowOfWeights",
    "ScanTree",
    "SetTheClock",
    "SignAndExponent",
    "SoftmaxApproximation",
    "SpringSwings",
]
