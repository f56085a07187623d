"""Small networks of PyTorch, each with the parts that one family of networks is built from."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Convolutions(nn.Module):
    """Convolutions with batch normalisation, and a flattened map of features: logits."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.AdaptiveAvgPool2d(2),
        )
        self.dropout = nn.Dropout(0.3)
        self.last = nn.Linear(48, outputs)

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, height, width) to logits (n, outputs)."""
        features = self.features(image)
        return self.last(self.dropout(features.view(features.size(0), -1)))


class Mobile(nn.Module):
    """An inverted residual block with squeeze and excitation, as in MobileNetV3 and EfficientNet: probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.expand = nn.Sequential(nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU())
        spread = nn.Conv2d(16, 16, 5, 1, 2, groups=16, bias=False)
        self.depthwise = nn.Sequential(spread, nn.BatchNorm2d(16), nn.ReLU6())
        self.squeeze = nn.Sequential(nn.Conv2d(16, 4, 1), nn.ReLU(), nn.Conv2d(4, 16, 1), nn.Hardsigmoid())
        self.project = nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.last = nn.Linear(8, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, height, width) to probabilities (n, 3)."""
        stem = self.stem(image)
        wide = self.depthwise(self.expand(stem))
        wide = wide * self.squeeze(functional.adaptive_avg_pool2d(wide, 1))
        features = (self.project(wide) + stem).mean((2, 3))
        return self.last(features).softmax(1)


class Transformer(nn.Module):
    """A vision transformer of two blocks: patches, a class token, attention, layer normalisation: logits."""

    def __init__(self, width: int = 24, side: int = 32, patch: int = 8) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, width))
        block = nn.TransformerEncoderLayer(
            width, 4, 2 * width, activation="gelu", batch_first=True, norm_first=True, dropout=0.0
        )
        self.blocks = nn.TransformerEncoder(block, 2, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.last = nn.Linear(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, 32, 32) to logits (n, 3)."""
        patches = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(image.shape[0], -1, -1), patches], dim=1)
        return self.last(self.blocks(tokens + self.places)[:, 0])


class Windows(nn.Module):
    """Shifted windows and layer normalisation over channels, as Swin and ConvNeXt have them: logits."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.norm = nn.LayerNorm(width)
        self.mixed = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.scale = nn.Parameter(torch.ones(width))
        self.query, self.value = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.last = nn.Linear(width, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, 32, 32) to logits (n, 3)."""
        first = self.patches(image)
        mixed = self.norm(self.mixed(first).permute(0, 2, 3, 1)) * self.scale
        number, height, width, channels = mixed.shape
        rolled = torch.roll(mixed, shifts=(-2, -2), dims=(1, 2))
        windows = rolled.view(number, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        query, key, value = self.query(windows.reshape(-1, 1, 16, channels)).chunk(3, dim=-1)
        attended = functional.scaled_dot_product_attention(query, key, value)
        joined = self.value(attended).view(number, height // 4, width // 4, 4, 4, channels)
        joined = joined.permute(0, 1, 3, 2, 4, 5).reshape(number, height, width, channels)
        return self.last((joined + first.permute(0, 2, 3, 1)).mean(dim=(1, 2)))


class Parts(nn.Module):
    """Rarer parts: resizing, padding by mirror image, group and instance normalisation, dense connections: logits."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.PReLU(8))
        dilated = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.second = nn.Sequential(dilated, nn.InstanceNorm2d(8, affine=True), nn.ELU())
        self.third = nn.Sequential(nn.Conv2d(32, 8, 1), nn.Mish(), nn.Upsample(scale_factor=2, mode="bilinear"))
        self.back = nn.ConvTranspose2d(8, 4, 2, 2)
        self.pool = nn.AvgPool2d(3, 2, ceil_mode=True, count_include_pad=False)
        self.last = nn.Linear(20, 3)

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, height, width) to logits (n, 3)."""
        first = self.pool(self.first(image))
        second = self.second(first)
        third = self.third(functional.pixel_unshuffle(second, 2))
        fourth = functional.interpolate(self.back(third), size=second.shape[2:], mode="nearest")
        joined = torch.cat([first, second, functional.softplus(fourth)], dim=1)
        powered = joined.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)  # generalised mean, as in retrieval
        return self.last(powered)


class OneSigmoid(nn.Module):
    """One probability for each photograph, without a dimension of classes."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutions(1)
        self.last = self.inner.last

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, height, width) to probabilities (n,)."""
        return torch.sigmoid(self.inner(image)).squeeze(1)


class Bytes(nn.Module):
    """Takes bytes with the channels last and scales them itself: logits."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutions()
        self.last = self.inner.last
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Pictures uint8 (n, height, width, 3) to logits (n, 3)."""
        return self.inner(image.permute(0, 3, 1, 2).contiguous().float() / 255 - self.mean)


class Squeezed(nn.Module):
    """Squeezes every dimension of 1, which the older exporter writes as a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutions()
        self.last = self.inner.last

    def forward(self, image: Tensor) -> Tensor:
        """Float pictures (n, 3, height, width) to logits (n, 3)."""
        return self.inner(image).squeeze()


class TwoOutputs(nn.Module):
    """Logits, and the features that they come from."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutions()
        self.last = self.inner.last

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Float pictures (n, 3, height, width) to logits (n, 3) and features (n, 12, 2, 2)."""
        return self.inner(image), self.inner.features(image)
