"""Variables that roles read."""

from __future__ import annotations

from magnusctl.inventory.basevars import BaseVariables, NetworkVariables, StorageVariables
from magnusctl.inventory.rolevars import (
    CudaVariables,
    InferenceVariables,
    TradingVariables,
    TrainingVariables,
)
from magnusctl.inventory.strict import Model


class Variables(Model):
    """Variables by role; `custom` is free, for templates of your own."""

    base: BaseVariables = BaseVariables.model_construct()
    network: NetworkVariables = NetworkVariables.model_construct()
    storage: StorageVariables = StorageVariables.model_construct()
    cuda: CudaVariables = CudaVariables.model_construct()
    inference: InferenceVariables = InferenceVariables.model_construct()
    training: TrainingVariables = TrainingVariables.model_construct()
    trading: TradingVariables = TradingVariables.model_construct()
    custom: dict[str, str | int | float | bool] = {}
