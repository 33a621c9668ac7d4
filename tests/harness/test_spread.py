"""Runs spread over processes: the same as one after the other, restarted after SIGTERM, and one that fails."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from harness import cli, gpus
from harness.checkpoint import load_weights
from harness.experiment import run
from harness.memory import family
from harness.occupied import occupied
from harness.progress import Progress
from harness.spread import FailedRunsError, Task, spread
from protocols.bundle import encode_bundle
from protocols.errors import InputError
from protocols.recording import RecordingWriter

SPEC = """
other = dict(config="{folder}/own.py", source="file:{folder}/other.rec", options={{"optim_wrapper.optimizer.lr": 1e-3}})
arms = dict(baseline="{folder}/baseline.py", own=other)
del other
seeds = [3]
source = "file:{folder}/some.rec"
iterations = 8
options = {{"model.decode_head.dropout_ratio": 0.2}}
tests = dict(photographs=dict(data="folder", root="{folder}/streets"))
"""

GATE = '''
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class Gate(Hook):
    """Wait in iteration 5 for as long as somebody holds the other end of a pipe, if there is one."""

    def __init__(self, pipe):
        self.pipe = Path(pipe)

    def before_train_iter(self, runner, **_):
        if runner.iter == 5 and self.pipe.exists():
            self.pipe.read_bytes()
'''
GATED = """
custom_imports = dict(imports=["harness.modules", "gate"], allow_failed_imports=False)
custom_hooks = [dict(type="LiveProgress"), dict(type="Gate", pipe="{pipe}")]
"""


@pytest.fixture
def one_thread(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)


@pytest.fixture
def spec(tmp_path, tiny_config, stand_in, bundle, one_thread, monkeypatch):
    """Return the file of a specification of two arms, one with a source and an option of its own."""
    (tmp_path / "gate.py").write_text(GATE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    for arm in ("baseline", "own"):
        (tmp_path / f"{arm}.py").write_text(tiny_config("baseline") + GATED.format(pipe=tmp_path / f"{arm}.pipe"))
    stand_in(tmp_path / "streets", "folder")
    for name, first in (("some", 0), ("other", 500)):
        with (tmp_path / f"{name}.rec").open("w+b") as opened:
            writer = RecordingWriter(opened)
            for index in range(20):
                writer.append(encode_bundle(bundle(index, 64, 128, other=first), mask_codec="zstd"))
            writer.close()
    file = tmp_path / "spec.py"
    file.write_text(SPEC.format(folder=tmp_path))
    return file


def alive(number):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return open(f"/proc/{number}/stat").read().rpartition(")")[2].split()[0] != "Z"
    return False


def test_stopped_restarted_and_the_same_as_one_after_the_other(spec, tmp_path):
    pipes = [tmp_path / f"{arm}.pipe" for arm in ("baseline", "own")]
    for pipe in pipes:
        os.mkfifo(pipe)
    command = [sys.executable, "-m", "harness.cli", "compare", str(spec), "--out", str(tmp_path / "two"), "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        held = [pipe.open("wb") for pipe in pipes]  # now both are in iteration 5
        children = set(family(process.pid)) - {process.pid}
        assert len(children) == 2
        process.send_signal(signal.SIGTERM)
        assert "2 runs write their checkpoints and leave\n" in process.stdout
        for end in held:
            end.close()
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143, errors
    assert errors == "carla-harness: stopped: told to leave; the same command goes on where it was\n"
    assert not [child for child in children if alive(child)]
    for arm in ("baseline", "own"):
        names = sorted(path.name for path in (tmp_path / "two" / arm / "seed_3/checkpoints").iterdir())
        assert names[-1] == "checkpoint_0000006.pth"

    for pipe in pipes:
        pipe.unlink()
    values = run(spec, tmp_path / "two", workers=[{}, {}])
    serial = run(spec, tmp_path / "one")
    assert values["scores"] == serial["scores"]
    weights = []
    for arm in ("baseline", "own"):
        one, two = (tmp_path / way / arm / "seed_3" for way in ("one", "two"))
        assert (one / "journal.jsonl").read_bytes() == (two / "journal.jsonl").read_bytes()
        first, second = (load_weights(folder / "weights.pth") for folder in (one, two))
        assert all(torch.equal(value, second[name]) for name, value in first.items())
        weights.append(first)
        made = json.loads((two / "run.json").read_text())
        assert made["source"] == f"file:{tmp_path}/{'other' if arm == 'own' else 'some'}.rec"
        own = ["optim_wrapper.optimizer.lr=0.001"] if arm == "own" else []
        assert made["options"] == ["model.decode_head.dropout_ratio=0.2", *own]
        assert json.loads((two / "report.json").read_text())["resumes"] == [6]
    assert not all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_one_that_fails_is_told_and_the_others_go_on(tmp_path):
    tasks = [
        Task("bad", ["train", "nonsense", "--from", "local"], tmp_path / "bad.log"),
        Task("good", ["--version"], tmp_path / "good.log"),
        Task("better", ["--version"], tmp_path / "better.log"),
    ]
    said = io.StringIO()
    with pytest.raises(FailedRunsError, match=r"^1 of 3 runs failed \(bad\); the same command") as failed:
        spread(tasks, [{}], Progress(said), lambda: False)
    assert failed.value.exit_code == 1
    ended = [line for line in said.getvalue().splitlines() if "runs done" not in line]
    assert ended[0].startswith("failed: bad ended with status 2: carla-harness: config nonsense: expected a file")
    assert ended[0].endswith(f"(see {tmp_path}/bad.log)")
    assert ended[1:] == ["good: done", "better: done"]


def test_workers_have_their_variables(tmp_path):
    """Two workers, each with a variable of its own, share five tasks out."""
    (tmp_path / "sitecustomize.py").write_text("import os\nprint('worker', os.environ['WORKER'], flush=True)")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    tasks = [Task(f"{number}", ["--version"], tmp_path / f"{number}.log") for number in range(5)]
    spread(tasks, [{"WORKER": name, "PYTHONPATH": path} for name in "ab"], Progress(io.StringIO()), lambda: False)
    used = [(tmp_path / f"{number}.log").read_text().split()[1] for number in range(5)]
    assert used[:2] == ["a", "b"]
    assert set(used) == {"a", "b"}


@pytest.mark.parametrize(
    ("old", "new", "arguments", "words"),
    [
        ("file:{folder}/some.rec", "tcp://127.0.0.1:5555", ["--jobs", "2"], "baseline: expected a source that several"),
        ("", "", ["--only", "own:4"], "--only own:4: expected baseline, own with one of the seeds 3"),
        ("", "", ["--gpus", "0,99"], "--gpus 0,99: expected"),
        ("options={{", "extra={{", [], "arms.own: expected a config, or config and maybe source, options"),
        ("own=other", '**{{"a/b": "c"}}', [], "expected names of letters"),
        ('source = "file:{folder}/some.rec"', "", [], "missing source"),
    ],
)
def test_wrong_ways_are_refused_in_words(tmp_path, tiny_config, old, new, arguments, words, capsys):
    for arm in ("baseline", "own"):
        (tmp_path / f"{arm}.py").write_text(tiny_config("baseline"))
    file = tmp_path / "spec.py"
    file.write_text(SPEC.replace(old, new).format(folder=tmp_path))
    assert cli.main(["compare", str(file), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_each_worker_has_one_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus.variables([1, 0, 0]) == [{"CUDA_VISIBLE_DEVICES": name} for name in "100"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-abc")
    assert gpus.variables([0, 1]) == [{"CUDA_VISIBLE_DEVICES": name} for name in ("5", "GPU-abc")]
    with pytest.raises(InputError, match="--gpus 2: expected numbers below 2, found 2 here"):
        gpus.variables([2])


def test_a_folder_is_one_process_s_until_that_is_gone(tmp_path):
    code = "import sys\nfrom pathlib import Path\nfrom harness.occupied import occupied\n"
    code += "with occupied(Path(sys.argv[1])):\n    print('in', flush=True)\n    sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(InputError, match="found another process"), occupied(tmp_path, patience_s=0):
            pass
        os.kill(other.pid, signal.SIGKILL)
    with occupied(tmp_path, patience_s=0):
        assert list(tmp_path.iterdir()) == []
