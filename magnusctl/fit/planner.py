"""Does a model fit on a device, and how fast is it there: one pure function."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from magnusctl.fit import cache, speed
from magnusctl.fit.devices import Device, Limit, limit_of
from magnusctl.fit.engines import Engine
from magnusctl.fit.overhead import Overhead, overhead
from magnusctl.fit.shape import Shape
from magnusctl.fit.weights import Weights

UTILIZATION = 0.9
"""Of a card's memory, what vLLM takes if nobody says."""
_STEP = 256
_VLLM_BLOCK = 16


@dataclass(frozen=True)
class Request:
    """What is asked: `context` is tokens of all `sequences` together; `taken` are bytes of the
    device that others hold, `reserve` those that stay free."""

    shape: Shape
    weights: Weights
    engine: Engine
    device: Device
    context: int = 4096
    sequences: int = 1
    kv_dtype: str = ""
    utilization: float = UTILIZATION
    depth: int | None = None
    gpu_layers: int | None = None
    """As somebody already chose; it only decides the speed."""
    taken: float = 0.0
    reserve: float = 0.0


@dataclass(frozen=True)
class Fit:
    """The answer. `fits` is None where it cannot be told, and `reasons` say what is missing."""

    weights: float
    kv: float
    buffers: float
    runtime: float
    total: float
    limit: Limit | None
    fits: bool | None
    binding: str
    max_context: int | None
    gpu_layers: int | None
    decode_tps: float | None
    reasons: tuple[str, ...] = field(default=())

    @property
    def margin(self) -> float | None:
        """Bytes that are left; negative is what is short."""
        return None if self.limit is None else self.limit.usable - self.needed

    @property
    def needed(self) -> float:
        """Bytes with what nobody lists."""
        return self.total + self.runtime


def plan(request: Request) -> Fit:
    """Weights, cache, buffers and runtime against what may be taken there."""
    shape, engine, device = request.shape, request.engine, request.device
    extra = _overhead(request, request.context)
    kv = _cache(request, request.context)
    resident = resident_weights(request)
    limit = _limit(request)
    needed = resident + kv + extra.buffers + extra.runtime
    fits = None if limit is None else needed <= limit.usable
    too_long = shape.max_context is not None and request.context > (
        shape.max_context * request.sequences
    )
    if too_long and fits:
        fits = False
    layers = _gpu_layers(request, limit)
    share = _share_on_cards(request, layers, fits)
    depth = request.context // 2 if request.depth is None else request.depth
    return Fit(
        weights=resident,
        kv=kv,
        buffers=extra.buffers,
        runtime=extra.runtime,
        total=resident + kv + extra.buffers,
        limit=limit,
        fits=fits,
        binding=_binding(request, limit, resident, too_long),
        max_context=max_context(request, limit),
        gpu_layers=layers,
        decode_tps=speed.decode_tps(
            shape, request.weights, engine, device, depth, request.kv_dtype, share
        ),
        reasons=_reasons(request, limit),
    )


def _share_on_cards(request: Request, layers: int | None, fits: bool | None) -> float:
    """How much of what a token reads lies on the cards."""
    if request.engine.family != "llamacpp" or request.device.kind != "cuda":
        return 1.0
    if request.gpu_layers is not None:
        layers, fits = request.gpu_layers, False
    if fits is not False or layers is None:
        return 1.0
    return min(1.0, layers / (request.shape.layers + 1))


def resident_weights(request: Request) -> float:
    """Bytes of the weights that count against the limit: the table of the input stays with the
    CPU when the cards have all layers."""
    weights = request.weights
    on_cards = request.engine.family == "llamacpp" and request.device.kind == "cuda"
    return weights.file - weights.embedding if on_cards and not weights.tied else weights.file


def max_context(request: Request, limit: Limit | None) -> int | None:
    """The largest context, of all sequences together, that fits; 0 where none does."""
    if limit is None or request.shape.encoder:
        return None
    most = (request.shape.max_context or 1 << 20) * request.sequences
    step = _VLLM_BLOCK if request.engine.family == "vllm" else _STEP
    low, high = 0, most // step
    while low < high:
        middle = (low + high + 1) // 2
        if _needed(request, middle * step) <= limit.usable:
            low = middle
        else:
            high = middle - 1
    if low * step + step > most and _needed(request, most) <= limit.usable:
        return most
    return low * step


def _needed(request: Request, context: int) -> float:
    extra = _overhead(request, context)
    return resident_weights(request) + _cache(request, context) + extra.buffers + extra.runtime


def _overhead(request: Request, context: int) -> Overhead:
    return overhead(request.shape, request.engine, request.device, context, request.sequences)


def _cache(request: Request, context: int) -> float:
    found = cache.cache_bytes(
        request.shape, request.engine, context, request.sequences, request.kv_dtype
    )
    spread = min(request.device.count, request.shape.kv_heads)
    # Tensor parallel copies the heads of the cache once there are more cards than heads.
    copies = request.device.count / spread if request.engine.family == "vllm" else 1.0
    return found * copies


def _limit(request: Request) -> Limit | None:
    limit = limit_of(request.device)
    if limit is None:
        return None
    usable = limit.usable
    source = limit.source
    if request.engine.family == "vllm" and request.device.kind == "cuda":
        # Of the total, not of what is free; and what is not free must not be asked for.
        budget = usable * request.utilization
        source += f", {request.utilization:.0%} of it (gpu-memory-utilization)"
        usable = min(budget, usable - request.taken)
    else:
        usable -= request.taken
    return replace(limit, usable=usable - request.reserve, source=source)


def _gpu_layers(request: Request, limit: Limit | None) -> int | None:
    """Layers on the cards, the output layer counted as one more; None where no layer can stay
    beside them."""
    engine, device, shape = request.engine, request.device, request.shape
    if engine.family != "llamacpp" or limit is None:
        return None
    if device.kind == "cpu":
        return 0
    weights, extra = request.weights, _overhead(request, request.context)
    fixed = extra.buffers + extra.runtime + weights.output
    body = weights.file - weights.embedding - (0.0 if weights.tied else weights.output)
    each = (body + _cache(request, request.context)) / shape.layers
    if fixed + each * shape.layers <= limit.usable:
        return shape.layers + 1
    # Without the output layer on the card, its place is free for others.
    room = limit.usable - fixed
    return max(0, min(shape.layers, int(room // each)))


def _binding(request: Request, limit: Limit | None, resident: float, too_long: bool) -> str:
    """Which limit decides first when more is asked for."""
    if limit is None:
        return "unknown"
    if resident > limit.usable:
        return "weights"
    if too_long:
        return "the model's own context"
    longest = max_context(request, limit)
    own = (request.shape.max_context or 0) * request.sequences
    return "the model's own context" if longest is not None and longest == own else "memory"


def _reasons(request: Request, limit: Limit | None) -> tuple[str, ...]:
    """What was assumed, and what is missing."""
    said = []
    if limit is None:
        said.append("how much memory the device has is not known")
    else:
        said.append(f"limit: {limit.source}")
    said.append(f"cache type {request.kv_dtype or 'f16'}, {request.sequences} sequences")
    if request.engine.family == "llamacpp":
        said.append("flash attention " + ("on" if request.engine.flash else "off"))
    if not request.weights.measured:
        said.append("size of the files by the recipe of their quantisation, not read")
    if speed.bandwidth_of(request.device) is None:
        said.append("memory bandwidth is not known: no speed is predicted")
    return tuple(said)
