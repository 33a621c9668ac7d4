"""Demo: the trainer with two children, simulator and plugin; trains in one town and is tested in another."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import report, training
from harness.children import Child, Children
from harness.progress import Progress
from protocols.bundle import Bundle
from protocols.errors import InputError, ManyskiesError
from protocols.labels import NAMES_16, tag_to_class16

if TYPE_CHECKING:
    from mmengine.runner import Runner

    from harness.baselines import Baselines

PLUGIN = "carla_plugin.cli"  # started as a process, never imported
READY_S = 300.0
FINISH_S = 60.0
EPISODES = "1000000"
SAMPLES = 4


class SeenBeforeError(ManyskiesError):
    """The test set is not unseen."""


@dataclass
class Sightings:
    """Watcher of the training stream: which towns and masks were seen."""

    towns: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)

    def __call__(self, bundle: Bundle) -> None:
        """Note a bundle."""
        self.towns.add(bundle.header.town)
        self.masks.add(bundle.header.mask_sha256)

    def check_unseen(self, bundles: Sequence[Bundle]) -> dict[str, Any]:
        """Return the towns of both sides.

        Raises:
            SeenBeforeError: a town or a mask of the test set was trained on.
        """
        towns = {bundle.header.town for bundle in bundles}
        shared = self.masks & {bundle.header.mask_sha256 for bundle in bundles}
        if towns & self.towns or shared:
            raise SeenBeforeError(
                f"test set: expected streets never trained on, got towns {sorted(towns & self.towns)} and "
                f"{len(shared)} masks in common"
            )
        return {"train": sorted(self.towns), "test": sorted(towns), "shared_masks": 0}


@dataclass
class Demo:
    """One run of the demo.

    Attributes:
        out: folder of the results.
        iterations: of training; the config's unless given.
        minutes: of training, instead.
        seed: of network, draws and training traffic.
        preview: whether to open a window.
        config: of the trainer.
        options: KEY=VALUE changes of the config.
        train_scenario: what is trained on.
        test_scenario: what is tested on.
    """

    out: Path
    iterations: int | None = None
    minutes: float | None = None
    seed: int = 1
    preview: bool = False
    config: str = "daformer_dg_cosine_small"
    options: Sequence[str] = ()
    train_scenario: str = "town"
    test_scenario: str = "town_unseen"
    progress: Progress = field(default_factory=Progress)

    def run(self) -> dict[str, Any]:
        """Run it and return the report.

        Raises:
            ManyskiesError: anything a user can meet; nothing is left running.
        """
        started = time.monotonic()
        # read when torch is loaded: threads that wait for one another must not spin, for the simulator needs the cores
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        _make_folder(self.out)
        with contextlib.ExitStack() as stack:
            stack.callback(self.progress.clear)
            children = stack.enter_context(Children(self.progress.say))
            simulator = self._start(children, "simulator", ["simulate", "--port", "0"])
            stack.enter_context(training.quiet_libraries(self.out))
            self.progress.say(
                "starting the simulator and loading the network (the first time compiles, a minute or so)"
            )
            runner = self._build()
            test, train = runner.val_dataloader.dataset, runner.train_dataloader.dataset
            for stream in (test.stream, train.stream):
                stack.callback(stream.close)
                stream.watch = children.check
            live = training.live_progress(runner)
            live.progress = self.progress
            words = simulator.wait_for_line("ready on", READY_S, lambda line: self.progress.show(line))
            server = words.removeprefix("ready on").strip()

            counts = [self._receive_test_set(children, server, test, live)]
            plugin = self._start_training_stream(children, server, train)
            sightings, baselines = Sightings(), _baselines()
            train.watchers += [sightings, baselines]
            before = runner.val_evaluator and runner.val_loop.run()
            self.progress.say(f"mIoU before training: {before['mIoU']:.3f}; now training on a live stream")
            runner.train()
            towns = sightings.check_unseen(test.bundles)
            train.stream.stop()
            plugin.finish(FINISH_S)
            counts.append(_counts(self._log("plugin.json")))
            values = self._values(runner, live.validations[-1], before, baselines, counts)
            values |= {"towns": towns, "seconds": time.monotonic() - started}
            self._write(runner, values)
        self._print(values)
        return values

    def _log(self, name: str) -> Path:
        return self.out / "logs" / name

    def _start(self, children: Children, name: str, arguments: list[str]) -> Child:
        log = self._log(f"{name.replace(' ', '_')}.log")
        return children.start(name, PLUGIN, [*arguments, "--stay-with-stdin"], log)

    def _build(self) -> Runner:
        from harness.training import build_runner, load_config, parse_options, set_iterations, set_seed

        config = load_config(self.config, parse_options(self.options), self.out / "logs")
        set_seed(config, self.seed)
        if self.iterations is not None:
            set_iterations(config, self.iterations)
        if self.minutes is not None:
            config.custom_hooks.append({"type": "TimeBudget", "minutes": self.minutes})
        config.custom_hooks.append({"type": "SaveWeights", "file": str(self.out.resolve() / "weights.pth")})
        return build_runner(config)

    def _receive_test_set(self, children: Children, server: str, test: Any, live: Any) -> dict[str, int]:
        """Fill the test set from the unseen town; return what the plugin counted."""
        log = self._log("plugin_test.json")
        tester = self._start(
            children,
            "plugin of the test set",
            [
                *("stream", self.test_scenario, "--server", server, "--to", test.stream.endpoint),
                *("--bundles", str(test.count), "--episodes", EPISODES, "--json", str(log), "--wait", "0"),
            ],
        )

        def tell(held: int) -> None:
            live.look_at_memory()
            self.progress.show(f"test set: {held}/{test.count} bundles of an unseen town")

        test.fill(tell)
        tester.finish(FINISH_S)
        test.stream.close()
        classes = report.occurring(test.bundles, tag_to_class16())
        town = test.bundles[0].header.town
        self.progress.say(f"test set: {len(test.bundles)} bundles of {town}, {classes} of {len(NAMES_16)} classes")
        return _counts(log)

    def _start_training_stream(self, children: Children, server: str, train: Any) -> Child:
        arguments = ["stream", self.train_scenario, "--server", server, "--to", train.stream.endpoint]
        arguments += ["--seed", str(self.seed), "--episodes", EPISODES, "--wait", "0"]
        arguments += ["--json", str(self._log("plugin.json"))]
        if self.preview:
            monitor = f"tcp://127.0.0.1:{_free_port()}"
            arguments += ["--monitor", monitor]
            children.start(
                "preview",
                PLUGIN,
                ["preview", "--from", monitor, "--stay-with-stdin"],
                self._log("preview.log"),
                vital=False,
            )
        return self._start(children, "plugin", arguments)

    def _values(
        self, runner: Runner, after: dict[str, float], before: dict[str, float], baselines: Baselines, counts: list[Any]
    ) -> dict[str, Any]:
        from harness.probe import MarginProbe

        live = training.live_progress(runner)
        train, test = runner.train_dataloader.dataset, runner.val_dataloader.dataset
        measured = next((hook.measured for hook in runner.hooks if isinstance(hook, MarginProbe)), [])
        scores = baselines.score(test.bundles)
        appearances = test.bundles[0].header.appearances
        seconds = live.history[-1]["seconds"]
        return {
            "iterations": len(live.history),
            "bundles": train.reservoir.seen,
            "test_bundles": len(test.bundles),
            "masks_checked": sum(count.get("masks_checked", 0) for count in counts),
            "masks_refused": sum(count.get("masks_refused", 0) for count in counts),
            "miou_before": before["mIoU"],
            "miou_after": after["mIoU"],
            "iou": {name: after[f"IoU/{name}"] for name in NAMES_16},
            "classes_in_test_set": int(after["classes"]),
            "acc": after["aAcc"],
            "miou_by_appearance": {name: after[f"mIoU/{name}"] for name in appearances},
            "baseline_colour": scores["colour"],
            "baseline_position": scores["position"],
            "margin": margin_summary(measured),
            "margin_in_training": live.margins(),
            "alarms": live.alarms,
            "monitors": live.watched(),
            "bundles_per_s": train.reservoir.seen / seconds,
            "uses_per_bundle": train.reservoir.draws / train.reservoir.seen,
            "wait_share": train.wait_s / seconds,
            "training_s": seconds,
            "rss_mb_max": live.rss_mb_max,
            "stream": {
                "duplicates": train.stream.stats().duplicates,
                "faults": train.stream.stats().faults,
            },
            "versions": report.versions(),
            "seed": self.seed,
            "command": report.command(),
        }

    def _write(self, runner: Runner, values: dict[str, Any]) -> None:
        from harness.datasets import collate_appearances
        from harness.probe import MarginProbe

        live = training.live_progress(runner)
        measured = next((hook.measured for hook in runner.hooks if isinstance(hook, MarginProbe)), [])
        test = runner.val_dataloader.dataset
        chosen = [round(number * (len(test) - 1) / max(1, SAMPLES - 1)) for number in range(min(SAMPLES, len(test)))]
        runner.model.eval()
        answers = []
        for index in chosen:
            samples = runner.model.val_step(collate_appearances([test[index]]))
            answers.append([sample.pred_sem_seg.data[0].numpy().astype("uint8") for sample in samples])
        report.write_json(self.out / "report.json", values)
        report.draw_curves(self.out / "curves.png", live.history, measured)
        report.draw_samples(self.out / "samples.png", [test.bundles[index] for index in chosen], answers)

    def _print(self, values: dict[str, Any]) -> None:
        for line in figures(values):
            self.progress.say(line)
        self.progress.say(f"see {self.out}/samples.png, {self.out}/curves.png, {self.out}/report.json")


def figures(values: dict[str, Any]) -> list[str]:
    """Return the figures of a report as lines for the terminal."""
    by_appearance = values["miou_by_appearance"]
    rows = [
        ("network", values["miou_after"], by_appearance),
        ("colour table", values["baseline_colour"]["all"], values["baseline_colour"]),
        ("position prior", values["baseline_position"]["all"], values["baseline_position"]),
    ]
    lines = [
        f"{values['iterations']} iterations on {values['bundles']} bundles of {', '.join(values['towns']['train'])} in "
        f"{values['training_s']:.0f} s ({values['bundles_per_s']:.2f} bundles/s, {values['wait_share']:.0%} waiting, "
        f"{values['rss_mb_max']:.0f} MB at most); masks checked {values['masks_checked']}, "
        f"refused {values['masks_refused']}",
        f"mIoU over 16 classes on {values['test_bundles']} bundles of {', '.join(values['towns']['test'])}, unseen: "
        f"{values['miou_before']:.3f} before, {values['miou_after']:.3f} after",
        f"  {'':<16}{'all':>8}" + "".join(f"{name[:9]:>10}" for name in by_appearance),
    ]
    for name, mean, each in rows:
        lines.append(f"  {name:<16}{mean:>8.3f}" + "".join(f"{each[key]:>10.3f}" for key in by_appearance))
    lines.append("IoU: " + ", ".join(f"{name} {value:.2f}" for name, value in values["iou"].items()))
    lines.append(
        "margin: "
        + ", ".join(
            f"{name.replace('_', ' ')} {m['first']:.3f} -> {m['last']:.3f}" for name, m in values["margin"].items()
        )
    )
    return lines


def margin_summary(measured: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return `first`, `lowest` and `last` margin of each stage, and the lowest as a share of the first.

    Args:
        measured: as `MarginProbe` has it.
    """
    stages = [key for key in (measured[0] if measured else {}) if key != "iteration"]
    return {
        stage: {
            "first": measured[0][stage],
            "lowest": min(entry[stage] for entry in measured),
            "last": measured[-1][stage],
            "lowest_share": min(entry[stage] for entry in measured) / max(measured[0][stage], 1e-9),
        }
        for stage in stages
    }


def _baselines() -> Baselines:
    from harness.baselines import Baselines

    return Baselines()


def _make_folder(out: Path) -> None:
    try:
        (out / "logs").mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(13, "permission denied")
    except OSError as error:
        raise InputError(f"--out {out}: expected a folder that can be written, got: {error.strerror}") from None


def _counts(log: Path) -> dict[str, int]:
    """Return what a plugin counted."""
    try:
        counts = json.loads(log.read_text())
    except (OSError, ValueError) as error:
        raise ManyskiesError(f"{log}: expected the plugin's counts, got: {error}") from None
    return {key: counts[key] for key in ("bundles", "masks_checked", "masks_refused")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
