"""Derivatives of the recurrence and of the scan: every order, backwards, forwards, torch.func."""

import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.utils._pytree import tree_leaves

from dsf import ARCHITECTURES, linear_recurrence
from dsf.scan import scan

EXACT = {"rtol": 1e-10, "atol": 1e-10}


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def loop(a, x, h):
    """`linear_recurrence` as it is defined, differentiated by autograd alone."""
    states = []
    for a_i, x_i in zip(a.unbind(-2), x.unbind(-2), strict=True):
        h = a_i * h + x_i
        states.append(h)
    return torch.stack(states, dim=-2)


def looped_scan(transition, b, c, u, h):
    y = []
    for i in range(u.shape[-2]):
        h = transition[..., i, :, :] * h + b[..., i, :, :] * u[..., i, None, :]
        y.append((c[..., i, :, :] * h).sum(-2))
    return torch.stack(y, dim=-2), h


def total(f):
    """A number that depends on all outputs of f and is not linear in them."""

    def g(*arguments):
        return sum((y.square().sum() + y.sum()) for y in tree_leaves(f(*arguments)))

    return g


class Case:
    """A scan and the loop that it has to equal, for full transitions or for exp(Δ a)."""

    def __init__(self, lazy, batch=(), dtype=torch.float64):
        first = [normal(*batch, 4, 3, 2, seed=6, dtype=dtype)]
        if lazy:
            first = [normal(*batch, 4, 2, seed=7).exp(), -normal(3, 2, seed=8).exp()]
        shapes = ((4, 3, 1), (4, 3, 1), (4, 2), (3, 2))
        rest = [normal(*batch, *s, seed=k, dtype=dtype) for k, s in enumerate(shapes)]
        self.arguments, self.lazy = (*first, *rest), lazy

    def scan(self, *x):
        return scan(x[:2], *x[2:]) if self.lazy else scan(*x)

    def loop(self, *x):
        if self.lazy:
            step, a, *x = x
            return looped_scan(torch.exp(step.unsqueeze(-2) * a), *x)
        return looped_scan(*x)


@pytest.fixture(params=[2**19, 7], ids=["one chunk", "a chunk a step"])
def numel(request, monkeypatch):
    monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", request.param)


def check_every_order(f, expected, arguments):
    every = tuple(range(len(arguments)))
    transforms = {
        "grad": lambda g: grad(g, every),
        "hessian": lambda g: hessian(g, every),
        "reverse twice": lambda g: jacrev(jacrev(g, every), every),
        "reverse over forward": lambda g: jacrev(jacfwd(g, every), every),
        "third": lambda g: jacrev(hessian(g), every),
    }
    for name, transform in transforms.items():
        found = tree_leaves(transform(total(f))(*arguments))
        right = tree_leaves(transform(total(expected))(*arguments))
        for x, y in zip(found, right, strict=True):
            torch.testing.assert_close(x, y, **EXACT, msg=lambda text, name=name: f"{name}: {text}")


def check_vmapped(f, expected, arguments, in_dims):
    every = tuple(range(len(arguments)))
    moves = tuple(torch.ones_like(x) for x in arguments)

    def push(g):
        return lambda *x: jvp(total(g), x[: len(every)], x[len(every) :])[1]

    for transform, dims, given in (
        (lambda g: grad(total(g), every), in_dims, arguments),
        (lambda g: hessian(total(g), every), in_dims, arguments),
        (push, in_dims * 2, arguments + moves),
    ):
        found = tree_leaves(vmap(transform(f), dims)(*given))
        right = tree_leaves(vmap(transform(expected), dims)(*given))
        for x, y in zip(found, right, strict=True):
            torch.testing.assert_close(x, y, **EXACT)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_first_and_second_derivatives_of_the_recurrence(dtype):
    arguments = [normal(*s, seed=k, dtype=dtype) for k, s in enumerate(((4, 2), (3, 4, 2), (2,)))]
    arguments = [x.requires_grad_() for x in arguments]
    assert torch.autograd.gradcheck(linear_recurrence, arguments, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(linear_recurrence, arguments, check_fwd_over_rev=True)


@pytest.mark.parametrize("length", [1, 5])
def test_every_derivative_of_the_recurrence_under_torch_func(length):
    arguments = (normal(length, 2), normal(length, 2, seed=1), normal(2, seed=2))
    check_every_order(linear_recurrence, loop, arguments)


@pytest.mark.parametrize("dims", [(0, 0, 0), (None, 0, None), (1, None, None), (None, None, 1)])
def test_the_recurrence_mapped_over_any_axis_of_any_argument(dims):
    shapes = [(4, 2), (4, 2), (2,)]
    arguments = []
    for k, (shape, dim) in enumerate(zip(shapes, dims, strict=True)):
        full = shape if dim is None else (*shape[:dim], 3, *shape[dim:])
        arguments.append(normal(*full, seed=k))
    check_vmapped(linear_recurrence, loop, tuple(arguments), dims)


@pytest.mark.usefixtures("numel")
@pytest.mark.parametrize(
    ("lazy", "dtype"),
    [(False, torch.float64), (False, torch.complex128), (True, torch.float64)],
)
def test_first_and_second_derivatives_of_the_scan(lazy, dtype):
    case = Case(lazy, (2,), dtype)
    arguments = [x.requires_grad_() for x in case.arguments]
    # In one random direction instead of all of a hundred: whole Jacobians take seconds.
    assert torch.autograd.gradcheck(case.scan, arguments, check_forward_ad=True, fast_mode=True)
    assert torch.autograd.gradgradcheck(
        case.scan, arguments, check_fwd_over_rev=True, fast_mode=True
    )


@pytest.mark.usefixtures("numel")
@pytest.mark.parametrize("lazy", [False, True])
def test_every_derivative_of_the_scan_under_torch_func(lazy):
    case = Case(lazy)
    check_every_order(case.scan, case.loop, case.arguments)


@pytest.mark.usefixtures("numel")
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("inner", [(), (2,)])
def test_the_scan_mapped_over_any_axis(lazy, inner):
    """Also with a batch inside, where the transition has to be put beside it."""
    case, outer = Case(lazy, inner), Case(lazy, (3, *inner))
    arguments, dims = list(outer.arguments), [0] * len(outer.arguments)
    if lazy:
        arguments[1] = torch.stack([case.arguments[1] * k for k in (1.0, 0.5, 2.0)], dim=1)
        dims[1] = 1
    check_vmapped(case.scan, case.loop, tuple(arguments), tuple(dims))
    arguments[-1], dims[-1] = case.arguments[-1], None  # one state for all
    check_vmapped(case.scan, case.loop, tuple(arguments), tuple(dims))


@pytest.mark.parametrize("f", ["recurrence", "scan"])
def test_a_forward_derivative_of_a_forward_derivative_is_refused(f):
    """PyTorch would drop a term of it without a word."""
    case = Case(False)
    f, arguments = (
        (total(linear_recurrence), (normal(4, 2), normal(4, 2), normal(2)))
        if f == "recurrence"
        else (total(case.scan), case.arguments)
    )
    with pytest.raises(NotImplementedError, match=r"torch\.func\.hessian"):
        jacfwd(jacfwd(f))(*arguments)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.parametrize("length", [5, 131])
def test_hessian_products_of_every_architecture(name, length):
    """Native form and each evaluator against the definition, by second backward passes."""
    entry = ARCHITECTURES[name]
    example = entry.example(length, 3, 2, (2,), 1, torch.float64)
    arguments = {k: v for k, v in example.system.items() if isinstance(v, torch.Tensor)}
    rest = {k: v for k, v in example.system.items() if k not in arguments}

    def second(evaluate):
        given = {k: v.detach().clone().requires_grad_() for k, v in arguments.items()}
        u = example.u.clone().requires_grad_()
        inputs = [u, *given.values()]
        y = evaluate(u, given)
        first = torch.autograd.grad(y.square().sum(), inputs, create_graph=True)
        scalar = sum((x.abs().square() * (k + 1)).sum() for k, x in enumerate(first))
        return torch.autograd.grad(scalar, inputs)

    def by(method):
        return second(lambda u, given: entry.system(**given, **rest).run(u, method))

    expected = by("recurrent")
    methods = entry.system(**example.system).methods
    found = {method: by(method) for method in methods if method != "recurrent"}
    if name != "softmax":  # its system is a truncation, its fused kernel has no second derivative
        native = next(k for k, v in example.native.items() if v is example.u)
        shared = {k: v for k, v in rest.items() if k in example.native}
        found["native"] = second(lambda u, given: entry.native(**{native: u}, **given, **shared))
    for method, gradients in found.items():
        for x, y in zip(gradients, expected, strict=True):
            scale = y.abs().max()
            torch.testing.assert_close(
                x / scale, y / scale, rtol=0, atol=1e-9, msg=lambda text, m=method: f"{m}: {text}"
            )


@pytest.mark.usefixtures("numel")
@pytest.mark.parametrize("lazy", [False, True])
def test_nested_gradients_without_vmap(lazy):
    """Each level of torch.func meets the buffers of the same scan."""
    case = Case(lazy)
    every = tuple(range(len(case.arguments)))

    def squares(g):
        return lambda *x: sum(y.square().sum() for y in grad(total(g), every)(*x)) + total(g)(*x)

    found = grad(squares(case.scan), every)(*case.arguments)
    right = grad(squares(case.loop), every)(*case.arguments)
    leaves = [x.clone().requires_grad_() for x in case.arguments]
    mixed = torch.autograd.grad(squares(case.scan)(*leaves), leaves)  # autograd over torch.func
    for x, y, z in zip(found, right, mixed, strict=True):
        torch.testing.assert_close(x, y, **EXACT)
        torch.testing.assert_close(z, y, **EXACT)


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")
@pytest.mark.parametrize("lazy", [False, True])
def test_linearized_maps(lazy):
    """What `linearize` writes down once is the derivative in every direction."""
    case = Case(lazy)
    moves = tuple(torch.ones_like(x) for x in case.arguments)
    for f, x, t in (
        (total(case.scan), case.arguments, moves),
        (total(linear_recurrence), (normal(4, 2), normal(4, 2), normal(2)), None),
    ):
        t = tuple(torch.ones_like(y) for y in x) if t is None else t
        expected = jvp(f, x, t)[1]
        torch.testing.assert_close(torch.func.linearize(f, *x)[1](*t), expected, **EXACT)
