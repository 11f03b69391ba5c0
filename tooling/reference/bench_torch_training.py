"""A PyTorch Mamba that trains, the way mamba.py computes it, at the shapes of `mamba bench --filter training`."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from torch_scans import ParallelScan, sequential_scan

STATE, KERNEL = 16, 4


class Block(nn.Module):
    """The Mamba block (figure 3 of the paper): [B, L, M] -> [B, L, M]"""

    def __init__(self, width, scan):
        super().__init__()
        self.scan, self.inner, self.rank = scan, 2 * width, math.ceil(width / 16)
        self.in_proj = nn.Linear(width, 2 * self.inner, bias=False)
        self.conv1d = nn.Conv1d(self.inner, self.inner, KERNEL, groups=self.inner, padding=KERNEL - 1)
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * STATE, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        with torch.no_grad():
            dt = torch.exp(torch.rand(self.inner) * math.log(100) + math.log(0.001))
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, STATE + 1)).repeat(self.inner, 1))
        self.D = nn.Parameter(torch.ones(self.inner))
        self.out_proj = nn.Linear(self.inner, width, bias=False)

    def forward(self, x):
        x, z = self.in_proj(x).chunk(2, -1)  # [B, L, E] each
        x = F.silu(self.conv1d(x.transpose(1, 2))[:, :, : x.shape[1]].transpose(1, 2))
        dt, B, C = torch.split(self.x_proj(x), [self.rank, STATE, STATE], -1)
        delta = F.softplus(self.dt_proj(dt))
        dA = torch.exp(delta[..., None] * -torch.exp(self.A_log))  # [B, L, E, N]
        dBu = (delta * x)[..., None] * B[:, :, None, :]
        y = (self.scan(dA, dBu) @ C[..., None]).squeeze(-1) + self.D * x
        return self.out_proj(y * F.silu(z))


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class LanguageModel(nn.Module):
    def __init__(self, width, layers, vocabulary, scan):
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embeddings.weight, std=0.02)
        self.norms = nn.ModuleList(RMSNorm(width) for _ in range(layers))
        self.blocks = nn.ModuleList(Block(width, scan) for _ in range(layers))
        self.norm_f = RMSNorm(width)

    def forward(self, ids):
        x = self.embeddings(ids)
        for norm, block in zip(self.norms, self.blocks):
            x = x + block(norm(x))
        return self.norm_f(x) @ self.embeddings.weight.T


def training_measurements(sequential):
    """What to time by the name that `mamba bench` has for it, and how many tokens one run is."""
    torch.manual_seed(0)
    scan = sequential_scan if sequential else ParallelScan.apply
    model = LanguageModel(64, 4, 256, scan)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    tokens = torch.randint(256, (8, 257))

    def step():
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, 256), tokens[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    block = Block(768, scan)
    x = torch.rand(1, 512, 768).requires_grad_()
    dy = torch.rand(1, 512, 768)

    def forward_backward():
        return torch.autograd.grad(block(x), [x, *block.parameters()], dy)

    return {
        "training step d=64 layers=4 B=8 L=256 V=256": (step, 8 * 256),
        "training block d=768 B=1 L=512": (forward_backward, 512),
    }
