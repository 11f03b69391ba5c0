"""The recurrence h[l] = dA[l] * h[l-1] + dBu[l] in PyTorch, over tensors [B, L, E, N], one position after another and in
parallel, the latter with a backward of its own, as mamba.py has it."""

import torch
import torch.nn.functional as F


def sequential_scan(dA, dBu):
    """One position after another. [B, L, E, N]"""
    h = torch.zeros_like(dBu[:, 0])
    states = []
    for l in range(dA.shape[1]):
        h = dA[:, l] * h + dBu[:, l]
        states.append(h)
    return torch.stack(states, 1)


def parallel_scan(dA, dBu):
    """The same in place in 2 log2(L) vector operations (Brent and Kung 1982); L is padded to a power of two."""
    length = dA.shape[1]
    padding = (1 << (length - 1).bit_length()) - length
    if padding:
        dA, dBu = (F.pad(x, (0, 0, 0, 0, 0, padding)) for x in (dA, dBu))
    full = length + padding
    step = 2
    while step <= full:
        left, right = slice(step // 2 - 1, None, step), slice(step - 1, None, step)
        dBu[:, right].addcmul_(dA[:, right], dBu[:, left])
        dA[:, right].mul_(dA[:, left])
        step *= 2
    step = full // 2
    while step >= 2:
        left, right = slice(step - 1, full - 1, step), slice(step + step // 2 - 1, None, step)
        count = dBu[:, right].shape[1]
        dBu[:, right].addcmul_(dA[:, right], dBu[:, left][:, :count])
        dA[:, right].mul_(dA[:, left][:, :count])
        step //= 2
    return dBu[:, :length]


class ParallelScan(torch.autograd.Function):
    """`parallel_scan` for training. Its gradient is the same recurrence from the end: g[l] = dh[l] + dA[l+1] * g[l+1],
    and with it ddBu = g, ddA[l] = g[l] * h[l-1]."""

    @staticmethod
    def forward(ctx, dA, dBu):
        h = parallel_scan(dA.clone(), dBu.clone())
        ctx.save_for_backward(dA, h)
        return h

    @staticmethod
    def backward(ctx, dh):
        dA, h = ctx.saved_tensors
        decay = torch.zeros_like(dA)
        decay[:, 1:] = dA[:, 1:].flip(1)
        g = parallel_scan(decay, dh.flip(1)).flip(1)
        ddA = torch.zeros_like(dA)
        ddA[:, 1:] = g[:, 1:] * h[:, :-1]
        return ddA, g


def check_scans():
    """All must compute the same thing, at a length that is not a power of two as well; and their gradients."""
    generator = torch.Generator().manual_seed(2)
    for length in (1, 2, 13, 64):
        dA, dBu = (torch.rand(2, length, 3, 4, generator=generator, dtype=torch.float64) for _ in range(2))
        expected = sequential_scan(dA, dBu)
        torch.testing.assert_close(parallel_scan(dA.clone(), dBu.clone()), expected)
        dh = torch.rand(expected.shape, generator=generator, dtype=torch.float64)
        inputs = dA.requires_grad_(), dBu.requires_grad_()
        wanted = torch.autograd.grad(sequential_scan(*inputs), inputs, dh)
        for found, gradient in zip(torch.autograd.grad(ParallelScan.apply(*inputs), inputs, dh), wanted):
            torch.testing.assert_close(found, gradient)
