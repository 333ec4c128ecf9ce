"""Faults in the optimisers of Keras 3, each a rewritten line of a step; and steps that are written otherwise."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

OPTIMIZERS = "keras.src.optimizers"
SGD = f"{OPTIMIZERS}.sgd:SGD.update_step"
ADAM = f"{OPTIMIZERS}.adam:Adam.update_step"
RMSPROP = f"{OPTIMIZERS}.rmsprop:RMSprop.update_step"
ADAGRAD = f"{OPTIMIZERS}.adagrad:Adagrad.update_step"
CLIP = f"{OPTIMIZERS}.base_optimizer:BaseOptimizer._clip_gradients"
APPLY = f"{OPTIMIZERS}.base_optimizer:BaseOptimizer._backend_apply_gradients"
DECAY = "keras.src.backend.tensorflow.optimizer:TFOptimizer._apply_weight_decay"

ADAMS = ("Adam", "AdamW")


def fault(name: str, optimizers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    kinds = (optimizers,) if isinstance(optimizers, str) else optimizers
    return Fault(name, kinds, (Rewrite(target, old, new),), named)


OPTIMIZER_FAULTS = (
    fault(
        "sgd_momentum_of_other_sign",
        "SGD",
        SGD,
        "momentum = ops.cast(self.momentum, variable.dtype)",
        "momentum = -ops.cast(self.momentum, variable.dtype)",
        "turns_round",
    ),
    fault("sgd_nesterov_ignored", "SGD", SGD, "if self.nesterov:", "if False:", "does_not_look_ahead"),
    fault(
        "sgd_dampened",
        "SGD",
        SGD,
        "ops.multiply(gradient, learning_rate)",
        "ops.multiply(gradient, learning_rate * (1.0 - self.momentum))",
        "dampened",
    ),
    fault(
        "clips_by_no_norm",
        "SGD",
        CLIP,
        "if self.clipnorm and self.clipnorm > 0:",
        "if self.clipnorm:\n        return grads\n    if False:",
        "unclipped",
        "clipnorm=null",
    ),
    fault(
        "clips_each_by_the_norm_of_all",
        "SGD",
        CLIP,
        "return clip_by_global_norm(grads, self.global_clipnorm)",
        "return [clip_by_global_norm([g], self.global_clipnorm)[0] for g in grads]",
        "clips_each",
    ),
    fault("clips_above_only", "SGD", CLIP, "ops.clip(g, -v, v)", "ops.minimum(g, v)", "unclipped_entries"),
    fault(
        "decay_as_l2",
        ("Adam", "RMSprop", "SGD"),
        APPLY,
        "self._apply_weight_decay(trainable_variables)",
        "grads = [g + (self.weight_decay or 0.0) * v for g, v in zip(grads, trainable_variables)]",
        "coupled_decay",
    ),
    fault(
        "decay_without_rate",
        ("Adam", "RMSprop", "SGD"),
        DECAY,
        "variable * wd * lr",
        "variable * wd",
        "decay_without_rate",
    ),
    fault(
        "adam_uncorrected",
        "Adam",
        ADAM,
        "alpha = lr * ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)",
        "alpha = lr",
        "uncorrected",
    ),
    fault("adam_counts_from_one", "Adam", ADAM, "self.iterations + 1", "self.iterations + 2", "counts_from_one"),
    fault(
        "adam_epsilon_in_root",
        "Adam",
        ADAM,
        "ops.add(ops.sqrt(v), self.epsilon)",
        "ops.sqrt(ops.add(v, self.epsilon))",
        "epsilon_in_root",
    ),
    fault(
        "adam_epsilon_after_correction",
        "Adam",
        ADAM,
        "ops.add(ops.sqrt(v), self.epsilon)",
        "ops.add(ops.sqrt(v), self.epsilon * ops.sqrt(1 - beta_2_power))",
        "epsilon_of_torch",
    ),
    fault("adam_ignores_amsgrad", "Adam", ADAM, "v = v_hat", "pass", "forgets_the_most"),
    fault(
        "adam_rate_twice",
        "Adam",
        ADAM,
        "ops.multiply(m, alpha)",
        "ops.multiply(m, alpha * lr)",
        "rate_twice",
    ),
    fault("rmsprop_rho_swapped", "RMSprop", RMSPROP, "rho = self.rho", "rho = 1 - self.rho", "swaps_shares"),
    fault(
        "rmsprop_epsilon_outside",
        "RMSprop",
        RMSPROP,
        "ops.sqrt(denominator)",
        "(ops.sqrt(denominator - self.epsilon) + self.epsilon)",
        "epsilon_of_torch",
    ),
    fault("rmsprop_not_centered", "RMSprop", RMSPROP, "if self.centered:", "if False:", "not_centered"),
    fault("rmsprop_without_root", "RMSprop", RMSPROP, "ops.sqrt(denominator)", "denominator", "root", "itself"),
    fault(
        "adagrad_not_kept",
        "Adagrad",
        ADAGRAD,
        "self.assign_add(accumulator, ops.square(gradient))",
        "accumulator = accumulator + ops.square(gradient)",
        "forgets",
    ),
    fault("adagrad_adds_the_step", "Adagrad", ADAGRAD, "self.assign_sub(", "self.assign_add(", "uphill"),
)

OPTIMIZER_CONTROLS = (
    fault(
        "sgd_step_at_once",
        "SGD",
        SGD,
        "self.assign_add(variable, m)",
        "self.assign(variable, ops.add(m, variable))",
    ),
    fault(
        "adam_mean_by_shares",
        ADAMS,
        ADAM,
        "self.assign_add(\n        m, ops.multiply(ops.subtract(gradient, m), 1 - self.beta_1)\n    )",
        "self.assign(m, ops.add(ops.multiply(m, self.beta_1), ops.multiply(gradient, 1 - self.beta_1)))",
    ),
    fault(
        "adam_corrected_means",
        ADAMS,
        ADAM,
        "ops.multiply(m, alpha), ops.add(ops.sqrt(v), self.epsilon)",
        "ops.multiply(m / (1 - beta_1_power), lr), ops.add(ops.sqrt(v / (1 - beta_2_power)), "
        "self.epsilon / ops.sqrt(1 - beta_2_power))",
    ),
    fault(
        "rmsprop_by_rsqrt",
        "RMSprop",
        RMSPROP,
        "ops.divide(\n        ops.multiply(lr, gradient), ops.sqrt(denominator)\n    )",
        "ops.multiply(lr, ops.multiply(ops.rsqrt(denominator), gradient))",
    ),
)
