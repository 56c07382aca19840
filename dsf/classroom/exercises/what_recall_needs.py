"""Chapter 10: what recall needs."""

import math
from functools import cache

import torch
from torch.nn.functional import pad

import dsf
from dsf import mqar, results
from dsf.classroom.kinds import Exercise

# --- two layers, and all but one eighth ----------------------------------------------------------


def two_layers(inputs, vocab_size, sharpness=40.0):
    """Logits (N, L, V) of two layers for tokens (N, L). One eighth of the answers is wrong."""
    place = torch.eye(inputs.shape[1]).expand(len(inputs), -1, -1)
    token = torch.eye(vocab_size)[inputs]
    before = pad(place, (0, 0, 1, 0))[:, :-1]  # row i: i - 1
    note = dsf.softmax_attention(sharpness * before, place, token, scale=1.0)
    return dsf.softmax_attention(sharpness * token, note, token, scale=1.0)


def mended(inputs, vocab_size, sharpness=40.0):
    """Logits (N, L, V) of two layers for tokens (N, L)."""
    place = torch.eye(inputs.shape[1]).expand(len(inputs), -1, -1)
    token = torch.eye(vocab_size)[inputs]
    before = pad(place, (0, 0, 1, 0))[:, :-1]  # row i: i - 1
    note = dsf.softmax_attention(sharpness * before, place, token, scale=1.0)
    note[:, 0] = 0  # nothing stands before position 0
    return dsf.softmax_attention(sharpness * token, note, token, scale=1.0)


def _with_notes(inputs, vocab_size, change, shift=1, sharpness=40.0):
    """The logits with notes of the tokens `shift` back that `change` has altered in place."""
    token = torch.eye(vocab_size)[inputs]
    place = torch.eye(inputs.shape[1]).expand(len(inputs), -1, -1)
    before = pad(place, (0, 0, shift, 0))[:, : inputs.shape[1]]
    note = dsf.softmax_attention(40.0 * before, place, token, scale=1.0)
    change(note)
    return dsf.softmax_attention(sharpness * token, note, token, scale=1.0)


def _first_sequence(inputs, vocab_size, sharpness=40.0):
    """changes `note[0]`, all notes of the first sequence: those of position 0 are `note[:, 0]`"""
    return _with_notes(inputs, vocab_size, lambda note: note[0].zero_())


def _notes_of_itself(inputs, vocab_size, sharpness=40.0):
    """notes each token at its own position: a question then finds its key, and not the value"""
    return _with_notes(inputs, vocab_size, lambda note: None, shift=0)


def _two_back(inputs, vocab_size, sharpness=40.0):
    """notes the token two places back: at the position of a value its key stands one back"""
    return _with_notes(inputs, vocab_size, lambda note: note[:, :2].zero_(), shift=2)


def _no_values_of_keys(inputs, vocab_size, sharpness=40.0):
    """takes the first half of the vocabulary for the values: those are the keys"""
    logits = mended(inputs, vocab_size)
    logits[..., vocab_size // 2 :] = -1
    return logits


def _sequences(draw):
    for count, length, pairs, vocab_size in ((3, 20, 4, 24), (2, 28, 6, 32)):
        seed = int(draw.between(0, 1e6))
        yield mqar.generate(count, length, pairs, vocab_size, seed=seed)[0], vocab_size


def _answers(logits, case):
    """The token with the largest logit at every question."""
    inputs, vocab_size = case
    logits = torch.as_tensor(logits)
    if logits.shape != (*inputs.shape, vocab_size):
        expected = f"logits of shape {(*inputs.shape, vocab_size)}"
        raise ValueError(f"returns shape {tuple(logits.shape)}, expected {expected}")
    again = (inputs[:, :, None] == inputs[:, None, :]).tril(-1).any(-1)
    return logits[again & (inputs != mqar.FILLER)].argmax(-1)


# --- four sequences that one layer cannot answer -------------------------------------------------


def combination():
    """Four numbers c, not all 0, such that c_1 m_1 + c_2 m_2 + c_3 m_3 + c_4 m_4 is always 0."""
    return [1, -1, -1, 1]


def _sum_of_all():
    """adds all four: of two sequences the margins have to be subtracted"""
    return [1, 1, 1, 1]


def _by_first_key():
    """sets the sequences that begin with k against the others: the places of k and k′ differ"""
    return [1, 1, -1, -1]


def _by_first_value():
    """sets those with w in second place against the others: the places of w and w′ differ"""
    return [1, -1, 1, -1]


def _first_and_last_alone():
    """leaves out the two sequences in the middle"""
    return [1, 0, 0, 1]


def _up_to_a_factor(numbers, case):
    numbers = torch.as_tensor(numbers, dtype=torch.float64)
    if numbers.shape != (4,):
        raise ValueError(f"returns shape {tuple(numbers.shape)}, expected four numbers")
    if not numbers.any():
        raise ValueError("returns nothing but 0, with which any four numbers give 0")
    return numbers / numbers[numbers.nonzero()[0, 0]]


# --- does only n/K count? ------------------------------------------------------------------------


def expected():
    """Two ends, at most 0.1 apart, of an interval for the recall at n = 8, K = 4."""
    return 0.88, 0.98


@cache
def _recorded(n, pairs):
    """Mean recall of trained linear attention in the record."""
    cells = results.cells(results.recorded("mqar"))
    return results.by_mixer(cells, num_kv_pairs=pairs)["linear"][n].mean


def _is_an_interval(yours):
    ends = torch.as_tensor(yours(), dtype=torch.float64)
    if ends.shape != (2,):
        return f"returns shape {tuple(ends.shape)}, expected two numbers"
    low, high = ends.tolist()
    if not 0 <= low < high <= 1:
        return f"returns {low:g} and {high:g}, expected 0 ≤ low < high ≤ 1: shares of right answers"
    if high - low > 0.1 + 1e-9:
        return f"is {high - low:.2g} wide, expected 0.1 at most: what would surprise you?"
    return None


def _holds_the_record(yours):
    low, high = torch.as_tensor(yours(), dtype=torch.float64).tolist()
    if low <= _recorded(8, 4) <= high:
        return None
    if low <= _recorded(16, 8) <= high:
        return "is where n = 16, K = 8 comes out: with K it is not the memory alone that changes"
    if high < _recorded(8, 4):
        return "ends below the record: four pairs are learnt sooner, with fewer wrong values"
    return "begins above the record: with n = 8 some crosstalk is left"


def _between(low, high):
    def wrong():
        return low, high

    return wrong


# --- forgetting, and drowning --------------------------------------------------------------------


def slower(log_decay, factor):
    """The parameter l of a decay exp(-exp(l) Δ), for a rate exp(l) divided by the factor."""
    return log_decay - math.log(factor)


def _divides_the_logarithm(log_decay, factor):
    """divides the logarithm: dividing a number means to subtract from its logarithm"""
    return log_decay / factor


def _faster(log_decay, factor):
    """multiplies the rate: the model then forgets faster"""
    return log_decay + math.log(factor)


def _subtracts_the_factor(log_decay, factor):
    """subtracts the factor itself, not its logarithm"""
    return log_decay - factor


def _base_ten(log_decay, factor):
    """takes the logarithm to the base 10: the parameter is a natural one"""
    return log_decay - math.log10(factor)


def _returns_the_rate(log_decay, factor):
    """returns the rate itself, without a logarithm"""
    return log_decay.exp() / factor


def silent(b, tokens):
    """B (..., L, n) of a layer that reads tokens (..., L), with 0 in the rows of filler."""
    return b * (tokens != mqar.FILLER)[..., None]


def _silent_otherwise(b, tokens):
    """silences all but filler"""
    return b * (tokens == mqar.FILLER)[..., None]


def _silent_afterwards(b, tokens):
    """silences the token after each filler: the rows are one too late"""
    return b * (pad(tokens, (1, 0), value=1)[..., :-1] != mqar.FILLER)[..., None]


def _silent_from_the_first(b, tokens):
    """silences all that comes after the first filler, the questions too"""
    return b * ((tokens == mqar.FILLER).cumsum(-1) == 0)[..., None]


def _scaled_by_tokens(b, tokens):
    """multiplies by the numbers of the tokens: what is no filler keeps its row as it is"""
    return b * tokens[..., None]


def _writes(draw):
    for rows, length, width in ((2, 9, 3), (4, 12, 5)):
        tokens = draw.between(1, 6, rows, length).long()
        tokens[:, 2::3] = mqar.FILLER
        yield draw.normal(rows, length, width), tokens


# --- how does it go wrong? -----------------------------------------------------------------------


def weight_of_pairs(weights, pairs):
    """Weight on each of the K pairs, (..., K), of rows of Φ, (..., L)."""
    return torch.stack([weights[..., 2 * j + 1 : 2 * j + 3].sum(-1) for j in range(pairs)], -1)


def _positions(weights, pairs, *of_pair):
    found = [sum(weights[..., 2 * j + s] for s in of_pair) for j in range(pairs)]
    return torch.stack(found, -1)


def _at_the_keys(weights, pairs):
    """takes positions 2j and 2j + 1: key j stands at 2j, and there its value has not been read"""
    return _positions(weights, pairs, 0, 1)


def _at_the_value_alone(weights, pairs):
    """takes position 2j + 1 alone: the window of the convolution holds value j at 2j + 2 as well"""
    return _positions(weights, pairs, 1)


def _behind_the_value_alone(weights, pairs):
    """takes position 2j + 2 alone, and leaves out the value's own"""
    return _positions(weights, pairs, 2)


def _three_positions(weights, pairs):
    """takes three positions for a pair, so that neighbours share one"""
    return _positions(weights, pairs, 0, 1, 2)


def _mean_of_two(weights, pairs):
    """is the mean of the two weights, not their sum"""
    return _positions(weights, pairs, 1, 2) / 2


def _rows(draw):
    for questions, length, pairs in ((2, 7, 3), (3, 16, 5)):
        yield draw.between(0, 1, questions, length), pairs


# --- challenge: the latest value -----------------------------------------------------------------


def latest(tokens):
    """Φ (L, L) for tokens x (L,): row i is 1 at the last j ≤ i with x_{j-1} = x_i, else 0."""
    note = torch.cat([tokens.new_tensor([-1]), tokens[:-1]])
    matches = (tokens[:, None] == note).double().tril()
    return _last(matches)


def _matches(tokens, first=-1):
    """1 where the note of j ≤ i is token i; `first` is the note of position 0."""
    note = torch.cat([tokens.new_tensor([first]), tokens[:-1]])
    return (tokens[:, None] == note).double().tril()


def _last(matches):
    """Of each row of matches the last."""
    behind = matches.flip(-1).cumsum(-1).flip(-1)  # matches at j and later
    return matches * (behind == 1)


def _all_of_them(tokens):
    """adds all values that the key has had: only the latest counts"""
    return _matches(tokens)


def _mean_of_them(tokens):
    """shares the weight among all values that the key has had: only the latest counts"""
    matches = _matches(tokens)
    return matches / matches.sum(-1, keepdim=True).clamp(min=1)


def _the_first(tokens):
    """reads the first value of the key: a later one replaces it"""
    matches = _matches(tokens)
    return matches * (matches.cumsum(-1) == 1)


def _key_itself(tokens):
    """reads the last place of the key itself: its value stands one position later"""
    return _last((tokens[:, None] == tokens).double().tril(-1))


def _at_its_own_place(tokens):
    """compares tokens with tokens, not with notes: each then finds itself"""
    return _last((tokens[:, None] == tokens).double().tril())


def _sees_what_comes(tokens):
    """sees the future: at time i there are the positions up to i"""
    note = torch.cat([tokens.new_tensor([-1]), tokens[:-1]])
    return _last((tokens[:, None] == note).double())


def _without_the_present(tokens):
    """leaves out j = i: where a token stands twice in a row, the second is the value, too"""
    return _last(_matches(tokens).tril(-1))


def _note_from_the_end(tokens):
    """gives position 0 the last token as a note (`roll`, or index −1): nothing is before it"""
    return _last(_matches(tokens, first=int(tokens[-1])))


def _tokens(draw):
    for length, kinds in ((1, 2), (9, 3), (16, 4)):
        yield (draw.between(0, kinds, length).long(),)


EXERCISES = {
    "two-layers": Exercise(
        mended,
        _sequences,
        (
            _first_sequence,
            _notes_of_itself,
            _two_back,
            _no_values_of_keys,
        ),
        given=two_layers,
        view=_answers,
    ),
    "four-margins": Exercise(
        combination,
        lambda draw: [()],
        (_sum_of_all, _by_first_key, _by_first_value, _first_and_last_alone),
        view=_up_to_a_factor,
    ),
    "expected-recall": Exercise(
        expected,
        mistakes=(
            _between(0.75, 0.85),
            _between(0.5, 0.6),
            _between(0.95, 1.0),
            _between(0.5, 1.0),
            _between(0.9, 0.8),
            lambda: 0.9,
        ),
        laws=(_is_an_interval, _holds_the_record),
    ),
    "slower": Exercise(
        slower,
        lambda draw: [(draw.normal(n), factor) for n, factor in ((2, 100.0), (5, 7.0))],
        (_divides_the_logarithm, _faster, _subtracts_the_factor, _base_ten, _returns_the_rate),
    ),
    "silent": Exercise(
        silent,
        _writes,
        (_silent_otherwise, _silent_afterwards, _silent_from_the_first, _scaled_by_tokens),
    ),
    "weight-of-pairs": Exercise(
        weight_of_pairs,
        _rows,
        (
            _at_the_keys,
            _at_the_value_alone,
            _behind_the_value_alone,
            _three_positions,
            _mean_of_two,
        ),
    ),
    "latest": Exercise(
        latest,
        _tokens,
        (
            _all_of_them,
            _mean_of_them,
            _the_first,
            _key_itself,
            _at_its_own_place,
            _sees_what_comes,
            _without_the_present,
            _note_from_the_end,
        ),
        published=False,
    ),
}
