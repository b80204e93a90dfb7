"""Reading a simulation file; a name that it does not define is refused where it stands."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

from dayzero.errors import InputError
from dayzero.protocol.builtin import protocol_file
from dayzero.settings import KeyPath, Toml, nearest, parse_settings, read_toml, shown
from dayzero.simulate.blood import Kinetics, names_of
from dayzero.simulate.delays import placed, read_hazard
from dayzero.simulate.language import Header, Mark, State, WayTable
from dayzero.simulate.people import Covariate
from dayzero.simulate.plan import LastSeen, Mrd, Simulation, Strategy, Target, Way

T = TypeVar("T")
ENDING: Final = ".simulation.toml"
MOST_WAYS: Final = 21
MOST_COVARIATES: Final = 900


@dataclass(frozen=True)
class _File:
    simulation: dict[str, object]
    states: tuple[dict[str, object], ...]
    ways: tuple[dict[str, object], ...]
    covariates: tuple[dict[str, object], ...] = ()
    marks: tuple[dict[str, object], ...] = ()
    mrd: dict[str, object] = field(default_factory=dict)
    kinetics: dict[str, object] = field(default_factory=dict)
    last_seen: dict[str, object] = field(default_factory=dict)
    strategies: dict[str, object] = field(default_factory=dict)
    targets: tuple[dict[str, object], ...] = ()
    definitions: dict[str, object] = field(default_factory=dict)
    endpoints: dict[str, object] = field(default_factory=dict)
    analysis: tuple[dict[str, object], ...] = ()


def built_in() -> tuple[str, ...]:
    """Return the names of the simulations that dayzero brings along."""
    folder = resources.files("dayzero").joinpath("protocols")
    return tuple(sorted(f.name.removesuffix(ENDING) for f in folder.iterdir() if f.name.endswith(ENDING)))


def read_simulation(name: str | Path) -> Simulation:
    """Read a simulation: a built-in name, or the path of a file.

    Raises
    ------
    InputError
        Where there is none, or anything in it cannot be used; the message says where, what and how to mend it.
    """
    if str(name) not in built_in():
        path = Path(name)
        if not os.path.lexists(path) or path.is_dir():
            mend = f"The built-in names are {', '.join(built_in())}; or name a file."
            raise InputError(f"no simulation {shown(str(name))!r}", mend=mend)
        toml = read_toml(path)
        return _beside(path, toml, _simulation(path.name.removesuffix(".toml").removesuffix(".simulation"), toml))
    place = resources.files("dayzero").joinpath("protocols", f"{name}{ENDING}")
    with resources.as_file(place) as path:
        return _simulation(str(name), read_toml(path))


def _beside(path: Path, toml: Toml, simulation: Simulation) -> Simulation:
    """Return the simulation with the path of a protocol file, which stands beside its own, made absolute."""
    protocol = path.parent / simulation.header.protocol
    if not simulation.header.protocol:
        return simulation
    if not os.path.lexists(protocol):
        try:
            protocol_file(simulation.header.protocol)
        except InputError as error:
            raise placed(error.fault, error.mend, toml=toml, path=("simulation", "protocol")) from None
        return simulation
    return replace(simulation, header=replace(simulation.header, protocol=str(protocol.resolve())))


def _simulation(name: str, toml: Toml) -> Simulation:
    file = parse_settings(_File, toml.table, toml=toml)
    ways = tuple(_way(toml, place, table) for place, table in enumerate(file.ways))
    marks = _each(Mark, file.marks, toml, "marks")
    simulation = Simulation(
        name=name,
        header=parse_settings(Header, file.simulation, toml=toml, path=("simulation",)),
        covariates=_each(Covariate, file.covariates, toml, "covariates"),
        states=_each(State, file.states, toml, "states"),
        ways=ways,
        marks=marks,
        delays=tuple(
            read_hazard(mark.day, toml=toml, path=("marks", place, "day")) if mark.day else None
            for place, mark in enumerate(marks)
        ),
        mrd=parse_settings(Mrd, file.mrd, toml=toml, path=("mrd",)) if file.mrd else None,
        kinetics=parse_settings(Kinetics, file.kinetics, toml=toml, path=("kinetics",)) if file.kinetics else None,
        last_seen=parse_settings(LastSeen, file.last_seen, toml=toml, path=("last_seen",)) if file.last_seen else None,
        strategies={
            key: parse_settings(Strategy, table, toml=toml, path=("strategies", key))
            for key, table in file.strategies.items()
        },
        targets=_each(Target, file.targets, toml, "targets"),
        study={"definitions": file.definitions, "endpoints": file.endpoints, "analysis": file.analysis},
    )
    _check_names(simulation, toml)
    return simulation


def _each(kind: type[T], tables: Iterable[Mapping[str, object]], toml: Toml, key: str) -> tuple[T, ...]:
    return tuple(parse_settings(kind, table, toml=toml, path=(key, place)) for place, table in enumerate(tables))


def _way(toml: Toml, place: int, table: Mapping[str, object]) -> Way:
    path: KeyPath = ("ways", place)
    way = parse_settings(WayTable, table, toml=toml, path=path)
    return Way(table=way, hazard=read_hazard(way.hazard, toml=toml, path=(*path, "hazard")))


def _check_names(simulation: Simulation, toml: Toml) -> None:
    """Refuse what is named but not defined, names given twice, and more ways out of a state than can be drawn."""
    if not simulation.states:
        raise placed("no state", "Write a [[states]] table.", toml=toml, path=("states",))
    states, covariates = ([item.name for item in items] for items in (simulation.states, simulation.covariates))
    for key, names in (("states", states), ("covariates", covariates)):
        for place, name in enumerate(names):
            if name in names[:place]:
                raise placed("a name twice", "Name each once.", toml=toml, path=(key, place, "name"))
    known = {
        "state": set(states),
        "clock": {clock for state in simulation.states for clock in state.starts},
        "covariate": set(acting(simulation)),
        "level above it": set(),
        "decision": {way.table.decision for way in simulation.ways} - {""},
    }
    for what, name, path in _named(simulation):
        if name not in known[what]:
            guess = nearest(name, sorted(known[what]))
            there = ", ".join(sorted(known[what]))
            mend = f"Did you mean {guess!r}?" if guess else f"Define it{f'; there are {there}' if there else ''}."
            raise placed(f"no {what} {shown(name)!r}", mend, toml=toml, path=path)
    if len(covariates) > MOST_COVARIATES:
        raise placed(f"more than {MOST_COVARIATES} covariates", "Keep some.", toml=toml, path=("covariates",))
    for name in known["state"]:
        if sum(name in way.table.origins for way in simulation.ways) > MOST_WAYS:
            raise placed(f"more than {MOST_WAYS} ways out of {name!r}", "Join some.", toml=toml, path=("ways",))


def acting(simulation: Simulation) -> list[str]:
    """Return the names that effects may use: numbers by name, levels as ``column=level``."""
    names = [c.name for c in simulation.covariates if c.distribution != "categorical"]
    names += names_of(simulation.kinetics) if simulation.kinetics else ()
    return names + [f"{c.name}={level}" for c in simulation.covariates for level in c.shares]


def _named(simulation: Simulation) -> Iterator[tuple[str, str, KeyPath]]:
    """Yield what each name in the file must be, the name, and where it stands."""
    for place, way in enumerate(simulation.ways):
        yield from _named_by_way(way.table, ("ways", place), {c.name for c in simulation.covariates})
    yield from _named_by_covariates(simulation)
    for place, mark in enumerate(simulation.marks):
        path: KeyPath = ("marks", place)
        yield from (("state", name, (*path, "of")) for name in mark.states)
        shares = mark.probability.effects if mark.probability else {}
        yield from (("covariate", name, (*path, "effects")) for name in (*mark.effects, *shares))
    if simulation.mrd:
        yield from (("state", name, ("mrd", "after")) for name in simulation.mrd.after)
        yield from (("state", name, ("mrd", "levels", name)) for name in simulation.mrd.levels)
    if simulation.last_seen:
        yield from (("state", name, ("last_seen", "of")) for name in simulation.last_seen.of)
    if simulation.kinetics:
        yield "covariate", simulation.kinetics.burden, ("kinetics", "burden")
    for key, strategy in simulation.strategies.items():
        yield from (("decision", name, ("strategies", key, "decisions", name)) for name in strategy.decisions)


def _named_by_covariates(simulation: Simulation) -> Iterator[tuple[str, str, KeyPath]]:
    """Yield the levels by which covariates differ, of covariates above them, and those that decide what is written."""
    above: set[str] = set()
    for place, spec in enumerate(simulation.covariates):
        yield from (
            ("level above it", name, ("covariates", place, "where")) for name in spec.where if name not in above
        )
        above |= {f"{spec.name}={level}" for level in spec.shares}
    written = [
        (("states", k, "events"), each.when) for k, state in enumerate(simulation.states) for each in state.events
    ]
    drawn = [(("marks", k, "when"), mark.when) for k, mark in enumerate(simulation.marks)]
    for path, when in (*written, *drawn):
        for each in when:
            names = [f"{each.covariate}={level}" for level in each.values] or [each.covariate]
            yield from (("covariate", name, path) for name in names)


def _named_by_way(way: WayTable, path: KeyPath, covariates: set[str]) -> Iterator[tuple[str, str, KeyPath]]:
    yield from (("state", name, (*path, "from")) for name in way.origins)
    yield from (("state", name, (*path, "to")) for name in way.targets)
    if way.clock:
        yield "clock", way.clock, (*path, "clock")
    yield from (("covariate", name, (*path, "log_ratio", name)) for name in way.log_ratio)
    for share in (*way.shares.values(), *([way.uptake] if way.uptake else [])):
        yield from (("covariate", name, path) for name in share.effects)
    for criterion in way.eligible:
        if criterion.covariate not in covariates:
            yield "covariate", criterion.covariate, (*path, "eligible")
