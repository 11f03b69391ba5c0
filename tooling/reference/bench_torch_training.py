"""A PyTorch Mamba that trains, the way mamba.py computes it, at the shapes of `mamba bench --filter training`."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from torch_scans import ParallelScan, sequential_scan

STATE, KERNEL = 16, 4


class SelectiveSSM(nn.Module):
    """One direction of a block, from the convolution to the gate: x, z [B, L, E] -> [B, L, E]"""

    def __init__(self, width, state, scan):
        super().__init__()
        inner, rank = 2 * width, math.ceil(width / 16)
        self.scan, self.sizes = scan, [rank, state, state]
        self.conv1d = nn.Conv1d(inner, inner, KERNEL, groups=inner, padding=KERNEL - 1)
        self.x_proj = nn.Linear(inner, rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        with torch.no_grad():
            dt = torch.exp(torch.rand(inner) * math.log(100) + math.log(0.001))
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, state + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))

    def forward(self, x, z):
        x = F.silu(self.conv1d(x.transpose(1, 2))[:, :, : x.shape[1]].transpose(1, 2))
        dt, B, C = torch.split(self.x_proj(x), self.sizes, -1)
        delta = F.softplus(self.dt_proj(dt))
        dA = torch.exp(delta[..., None] * -torch.exp(self.A_log))  # [B, L, E, N]
        dBu = (delta * x)[..., None] * B[:, :, None, :]
        y = (self.scan(dA, dBu) @ C[..., None]).squeeze(-1) + self.D * x
        return y * F.silu(z)


class Block(nn.Module):
    """The Mamba block (figure 3 of the paper): [B, L, M] -> [B, L, M]. With two directions it is that of Vision Mamba."""

    def __init__(self, width, scan, state=STATE, directions=1):
        super().__init__()
        self.in_proj = nn.Linear(width, 4 * width, bias=False)
        self.directions = nn.ModuleList(SelectiveSSM(width, state, scan) for _ in range(directions))
        self.out_proj = nn.Linear(2 * width, width, bias=False)

    def forward(self, x):
        x, z = self.in_proj(x).chunk(2, -1)  # [B, L, E] each
        forward, *backward = self.directions
        y = forward(x, z)
        for direction in backward:
            y = (y + direction(x.flip(1), z.flip(1)).flip(1)) / 2
        return self.out_proj(y)


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class Stack(nn.Module):
    """Layers `x + dropout(block(norm(x)))` and a final norm: [B, L, M] -> [B, L, M]"""

    def __init__(self, width, blocks, dropout=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(blocks)
        self.norms = nn.ModuleList(RMSNorm(width) for _ in blocks)
        self.norm_f = RMSNorm(width)

    def forward(self, x):
        for norm, block in zip(self.norms, self.blocks):
            x = x + self.dropout(block(norm(x)))
        return self.norm_f(x)


class LanguageModel(nn.Module):
    def __init__(self, width, layers, vocabulary, scan):
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embeddings.weight, std=0.02)
        self.stack = Stack(width, [Block(width, scan) for _ in range(layers)])

    def forward(self, ids):
        return self.stack(self.embeddings(ids)) @ self.embeddings.weight.T


class VisionMamba(nn.Module):
    """Vision Mamba (Zhu et al. 2024) with its class token in the middle: images [B, 1, H, W] -> [B, classes]"""

    def __init__(self, size, patch, stride, classes, width, layers, state, dropout, scan):
        super().__init__()
        patches = ((size - patch) // stride + 1) ** 2
        self.middle = patches // 2
        self.patch_embed = nn.Conv2d(1, width, patch, stride)
        self.cls_token = nn.Parameter(torch.randn(width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(patches + 1, width) * 0.02)
        self.dropout = nn.Dropout(dropout)
        blocks = [Block(width, scan, state, directions=2) for _ in range(layers)]
        self.stack = Stack(width, blocks, dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patch_embed(images).flatten(2).transpose(1, 2)  # [B, patches, M]
        token = self.cls_token.expand(x.shape[0], 1, -1)
        x = torch.cat([x[:, : self.middle], token, x[:, self.middle :]], 1) + self.pos_embed
        return self.head(self.stack(self.dropout(x))[:, self.middle])


class Forecaster(nn.Module):
    """A causal model of series: values [B, L, C] -> [B, L, outputs]"""

    def __init__(self, channels, outputs, width, layers, state, dropout, scan):
        super().__init__()
        self.input = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.stack = Stack(width, [Block(width, scan, state) for _ in range(layers)], dropout)
        self.head = nn.Linear(width, outputs)

    def forward(self, values):
        return self.head(self.stack(self.dropout(self.input(values))))


def training_step(model, inputs, loss_of):
    """A function that makes an optimizer step on one batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)

    def step():
        loss = loss_of(model(inputs))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def training_measurements(sequential):
    """What to time by the name that `mamba bench` has for it, and how many tokens one run is."""
    torch.manual_seed(0)
    scan = sequential_scan if sequential else ParallelScan.apply
    language = LanguageModel(64, 4, 256, scan)
    tokens = torch.randint(256, (8, 257))
    targets = tokens[:, 1:].reshape(-1)
    digits = VisionMamba(28, 10, 6, 10, 64, 4, 16, 0.1, scan)
    classes = torch.randint(10, (64,))
    weather = Forecaster(6, 14, 8, 1, 16, 0.1, scan)
    days = torch.randn(16, 56, 14)

    block = Block(768, scan)
    x = torch.rand(1, 512, 768).requires_grad_()
    dy = torch.rand(1, 512, 768)

    def forward_backward():
        return torch.autograd.grad(block(x), [x, *block.parameters()], dy)

    return {
        "training step d=64 layers=4 B=8 L=256 V=256": (
            training_step(
                language, tokens[:, :-1], lambda logits: F.cross_entropy(logits.reshape(-1, 256), targets)
            ),
            8 * 256,
        ),
        "training block d=768 B=1 L=512": (forward_backward, 512),
        "training step digits B=64 L=17": (
            training_step(digits, torch.rand(64, 1, 28, 28), lambda logits: F.cross_entropy(logits, classes)),
            64 * 17,
        ),
        "training step weather B=16 L=56": (
            training_step(weather, torch.randn(16, 56, 6), lambda y: F.mse_loss(y, days)),
            16 * 56,
        ),
    }
