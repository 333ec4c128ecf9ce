"""Lanes in one line of text, and in tables: what they mean, and what is not understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.lanes.declare import declared, parse


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow and torch are installed here, JAX is not; the installed Keras is 3.15.1."""
    here = ("tensorflow", "torch", "numpy")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in here else None)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.15.1")


def test_a_bare_adapter_is_what_is_installed_here() -> None:
    spec = parse("keras")
    assert (spec.name, spec.adapter, spec.overlay, spec.environment) == ("keras", "keras", (), ())


def test_another_keras_3_is_an_overlay_that_must_prove_its_version() -> None:
    spec = parse("keras@3.3.3")
    assert (spec.name, spec.overlay, spec.environment) == ("keras@3.3.3", ("keras==3.3.3",), ())
    assert spec.wants == {"keras": "==3.3.3"}


def test_keras_3_0_needs_one_package_more() -> None:
    assert parse("keras@3.0.5").overlay == ("keras==3.0.5", "dm-tree")


def test_keras_2_needs_the_tensorflow_that_it_came_with() -> None:
    assert parse("keras@2.15.0").environment == ("keras==2.15.0", "tensorflow==2.15.*")


def test_other_packages_need_an_environment_of_their_own() -> None:
    spec = parse("old=keras,tensorflow==2.15.1")
    assert (spec.name, spec.adapter, spec.environment) == ("old", "keras", ("tensorflow==2.15.1",))
    assert spec.wants == {"tensorflow": "==2.15.1"}


def test_a_backend_that_is_installed_needs_nothing_and_another_an_environment() -> None:
    assert parse("keras[torch]").options["backend"] == "torch"
    assert parse("keras[torch]").environment == ()
    jax = parse("keras[jax]")
    assert (jax.name, jax.environment) == ("keras-jax", ("jax", "keras==3.15.1"))
    assert "JAX_COMPILATION_CACHE_DIR" in jax.options["environment"]
    assert "JAX_COMPILATION_CACHE_DIR" not in parse("keras[torch]").options["environment"]
    assert "JAX_COMPILATION_CACHE_DIR" not in parse("keras[jax],python=ssh://far/python").options["environment"]
    assert parse("keras[numpy]").environment == ("jax", "keras==3.15.1", "numpy", "scipy")
    assert parse("keras[jax]@3.6.0").environment == ("jax", "keras==3.6.0")


def test_keras_2_beside_keras_3_is_a_package_of_the_keras_adapter() -> None:
    spec = parse("tf_keras")
    assert (spec.name, spec.adapter, spec.options["package"]) == ("tf_keras", "keras", "tf_keras")


def test_an_interpreter_brings_its_own_packages() -> None:
    spec = parse("old=keras@2.15.0,python=/opt/old/bin/python")
    assert (spec.interpreter, spec.overlay, spec.environment) == ("/opt/old/bin/python", (), ())
    assert spec.wants == {"keras": "==2.15.0"}


def test_a_name_made_from_a_specification_can_stand_in_a_test_id() -> None:
    assert parse("keras[torch]@3.6.0,numpy<2").name == "keras-torch@3.6.0+numpy-2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kears", "lane 'kears': there is no adapter 'kears'\n   = help: did you mean keras?"),
        (
            "keras[jaxx]",
            "lane 'keras[jaxx]': there is no backend 'jaxx' of keras\n   = help: did you mean jax?",
        ),
        (
            "torch[jax]",
            "lane 'torch[jax]': there is no backend 'jax' of torch\n   = help: did you mean jax?",
        ),
        (
            "keras@three",
            "lane 'keras@three': 'three' is not a version\n   = help: one release, as in keras@3.3.3",
        ),
        (
            "keras,tensorflow=2.15.1",
            "lane 'keras,tensorflow=2.15.1': 'tensorflow=2.15.1' is not understood\n"
            "   = help: a package with a version, tensorflow==2.15.1, or python=/path/to/python",
        ),
        (
            "[jax]",
            "'[jax]' does not begin with an adapter\n   = help: as in keras@3.3.3 or old=keras,numpy<2",
        ),
        (
            "tf_keras[torch]",
            "lane 'tf_keras[torch]': Keras 2 runs on TensorFlow only\n   = help: leave the backend out",
        ),
    ],
)
def test_what_is_not_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_project_declares_lanes_as_text_and_as_tables(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        "[tool.conformance.lanes]\n"
        'old = "keras,tensorflow==2.15.1"\n'
        'jax = {adapter = "keras", backend = "jax", version = "3.6.0", packages = ["jax==0.4.38"]}\n'
    )
    found = declared(project)
    assert found["old"].environment == ("tensorflow==2.15.1",)
    assert found["jax"].environment == ("jax==0.4.38", "keras==3.6.0")
    assert found["jax"].name == "jax"


def test_a_table_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.conformance.lanes]\nold = {adapter = "keras", verion = "3.6.0"}\n')
    with pytest.raises(
        UsageError, match=r"lane old in pyproject.toml: unknown key 'verion'\n   = help: did you mean version"
    ):
        declared(project)


def test_a_project_without_lanes_declares_none(tmp_path: Path) -> None:
    assert declared(tmp_path / "pyproject.toml") == {}
