"""Faults in `torch.optim`, each a rewritten line of a step; and steps that are written otherwise.

RMSprop is not among them: no argument of torch's gives Keras' numbers, so that the lane writes its step out.
"""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

SGD = "torch.optim.sgd:_single_tensor_sgd"
ADAM = "torch.optim.adam:_single_tensor_adam"
ADAMW = ("AdamW", "optim.AdamW")
"""In Keras' words the lane takes the decay by itself: only in torch's is it torch's own."""
ADAGRAD = "torch.optim.adagrad:_single_tensor_adagrad"


def fault(name: str, optimizers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    kinds = (optimizers,) if isinstance(optimizers, str) else optimizers
    return Fault(name, kinds, (Rewrite(target, old, new),), named)


OPTIMIZER_FAULTS = (
    fault("sgd_momentum_of_other_sign", "SGD", SGD, "buf.mul_(momentum)", "buf.mul_(-momentum)", "turns_round"),
    fault("sgd_dampened", "SGD", SGD, "alpha=1 - dampening", "alpha=1 - momentum", "dampened_later"),
    fault("sgd_nesterov_ignored", "SGD", SGD, "if nesterov:", "if False:", "does_not_look_ahead"),
    fault("sgd_always_looks_ahead", "SGD", SGD, "if nesterov:", "if True:", "looks_ahead"),
    fault("sgd_forgets", "SGD", SGD, "momentum_buffer_list[i] = buf", "pass", "forgets"),
    fault("sgd_adds_the_step", "SGD", SGD, "param.add_(grad, alpha=-lr)", "param.add_(grad, alpha=lr)", "uphill"),
    fault("sgd_rate_twice", "SGD", SGD, "alpha=-lr", "alpha=-lr * lr", "rate_twice"),
    fault("adam_first_not_corrected", "Adam", ADAM, "1 - beta1**step", "1.0", "second_corrected"),
    fault("adam_second_not_corrected", "Adam", ADAM, "1 - beta2**step", "1.0", "first_corrected"),
    fault(
        "adam_betas_swapped",
        "Adam",
        ADAM,
        "    for i, param",
        "    beta1, beta2 = beta2, beta1\n    for i, param",
        "swaps_betas",
    ),
    fault("adam_rate_twice", "Adam", ADAM, "value=-step_size)", "value=-step_size * lr)", "rate_twice"),
    fault("adam_ignores_amsgrad", "Adam", ADAM, "if amsgrad:", "if False:", "forgets_the_most"),
    fault("adamw_decay_as_l2", ADAMW, ADAM, "if decoupled_weight_decay:", "if False:", "coupled_decay"),
    fault(
        "adamw_decay_without_rate",
        ADAMW,
        ADAM,
        "param.mul_(1 - lr * weight_decay)",
        "param.mul_(1 - weight_decay)",
        "decay_without_rate",
    ),
    fault(
        "adagrad_not_kept",
        "Adagrad",
        ADAGRAD,
        "state_sum.addcmul_(grad, grad, value=1)",
        "state_sum = state_sum.addcmul(grad, grad, value=1)",
        "forgets",
    ),
    fault("adagrad_without_root", "Adagrad", ADAGRAD, "state_sum.sqrt()", "state_sum.clone()", "without_root"),
)

OPTIMIZER_CONTROLS = (
    fault(
        "sgd_velocity_by_sum",
        "SGD",
        SGD,
        "buf.mul_(momentum).add_(grad, alpha=1 - dampening)",
        "buf.copy_(grad + momentum * buf)",
    ),
    fault(
        "adam_mean_by_shares",
        ("Adam", "AdamW"),
        ADAM,
        "exp_avg.lerp_(grad, 1 - device_beta1)",
        "exp_avg.copy_((1 - device_beta1) * grad + device_beta1 * exp_avg)",
    ),
    fault(
        "adagrad_by_rsqrt",
        "Adagrad",
        ADAGRAD,
        "param.addcdiv_(grad, std, value=-clr)",
        "param.sub_(clr * grad * std.square().rsqrt())",
    ),
)
