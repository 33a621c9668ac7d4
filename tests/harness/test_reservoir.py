"""The online sampler against DAFormer's offline one (E1), and which bundles stay in the reservoir."""

import numpy as np
import pytest
from scipy import stats

from harness.receiver import Slot
from harness.reservoir import Reservoir
from harness.sampling import ClassFrequencies
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.errors import InputError
from protocols.labels import NAMES_16, TRAIN_IDS_16, tag_to_class16

SHARES = np.array(
    [0.30, 0.06, 0.22, 0.01, 0.012, 0.015, 0.004, 0.006, 0.16, 0.12, 0.02, 0.004, 0.05, 0.01, 0.004, 0.005]
)
MIN_SHARE = 0.00149
HEIGHT, WIDTH = 32, 64


def street(index, meta=None, seed=0):
    """Return a bundle of one image in which common classes are nearly always, rare ones now and then."""
    dice = np.random.default_rng([seed, index])
    present = dice.random(16) < np.clip(SHARES * 25, 0.15, 1.0)
    weights = np.where(present, SHARES * dice.gamma(2.0, 1.0, 16), 0.0)
    classes = np.sort(dice.choice(16, HEIGHT * WIDTH, p=weights / weights.sum()))
    mask = (np.array(TRAIN_IDS_16, np.uint8)[classes] + 1).reshape(HEIGHT, WIDTH)
    header = BundleHeader(
        "test", 7, 0, index, "Grid_01", ("noon",), HEIGHT, WIDTH, index, mask_hash(mask), meta=meta or {}
    )
    return Bundle(header, np.zeros((1, HEIGHT, WIDTH, 3), np.uint8), mask)


def slot(bundle):
    return Slot(bundle, np.zeros(8, np.uint8))


def offline(bundles, temperature=0.01):
    """Return `(16,)` P(class) and `(N,)` P(bundle) of the offline sampler, written down from its description."""
    table, counts = tag_to_class16(), np.zeros((len(bundles), 16))
    for row, bundle in zip(counts, bundles, strict=True):
        for number in range(16):
            row[number] = np.count_nonzero(table[bundle.mask] == number)
    frequency = counts.sum(axis=0) / counts.sum()
    by_class = np.exp((1 - frequency) / temperature)
    by_class /= by_class.sum()
    files = counts / (HEIGHT * WIDTH) > MIN_SHARE
    by_bundle = sum(by_class[number] * files[:, number] / files[:, number].sum() for number in range(16))
    return by_class, by_bundle


def test_what_is_reported_of_the_sampling_is_what_is_drawn_by():
    reservoir = Reservoir(40, 8, seed=3, frequencies=ClassFrequencies(prior_images=0), dropped_classes=["truck"])
    bundles = [street(index) for index in range(40)]
    for bundle in bundles:
        reservoir.add(slot(bundle))
    told = reservoir.sampling()
    assert list(told) == list(NAMES_16)
    by_class, _ = offline(bundles)
    by_class[NAMES_16.index("truck")] = 0
    for value, row in zip(by_class / by_class.sum(), told.values(), strict=True):
        assert row["probability"] == pytest.approx(value)
    assert sum(row["share"] for row in told.values()) == pytest.approx(1)


def test_with_room_for_all_it_is_the_offline_sampler():
    bundles = [street(index) for index in range(120)]
    reservoir = Reservoir(120, 8, seed=3, frequencies=ClassFrequencies(prior_images=0))
    for bundle in bundles:
        reservoir.add(slot(bundle))
    draws = [reservoir.draw(iteration, place) for iteration in range(10_000) for place in range(2)]
    classes = np.bincount([drawn.wanted for drawn in draws], minlength=16)
    indices = np.bincount([drawn.bundle.header.index for drawn in draws], minlength=120)
    by_class, by_bundle = offline(bundles)
    drawable = by_class > 1e-4  # expected counts a chi-square can use
    assert (
        stats.chisquare(
            np.append(classes[drawable], classes[~drawable].sum()) + 1e-9,
            np.append(by_class[drawable], by_class[~drawable].sum()) * len(draws) + 1e-9,
        ).pvalue
        > 0.01
    )
    assert stats.chisquare(indices, by_bundle * len(draws)).pvalue > 0.01
    assert np.abs(classes / len(draws) - by_class).sum() / 2 < 0.02
    assert not reservoir.starved.any()
    # and the test has power: the same draws are not those of a sampler twice as warm
    assert np.abs(classes / len(draws) - offline(bundles, 0.02)[0]).sum() / 2 > 0.05


def test_over_a_long_stream_classes_are_drawn_as_offline(scale):
    count = 20_000 if scale == "soak" else 1_500
    reservoir = Reservoir(256, 8, seed=1, frequencies=ClassFrequencies(prior_images=20))
    classes, uses, bundles = np.zeros(16), np.zeros(count), []
    iteration = 0
    for index in range(count):
        bundles.append(street(index))
        reservoir.add(slot(bundles[-1]))
        for _ in range(4 if index >= 64 else 0):  # eight uses a bundle, two bundles an iteration
            for place in range(2):
                drawn = reservoir.draw(iteration, place)
                classes[drawn.wanted] += 1
                uses[drawn.bundle.header.index] += 1
            iteration += 1
    by_class, by_bundle = offline(bundles)
    distance = np.abs(classes / classes.sum() - by_class).sum() / 2
    effective, best = uses.sum() ** 2 / (uses**2).sum(), 1 / (by_bundle**2).sum()
    print(
        f"E1: {count} bundles, reservoir of 256, {int(uses.sum())} draws: total variation of classes {distance:.4f}; "
        f"effective number of distinct layouts {effective:.0f} (offline, all in memory: {best:.0f}); "
        f"most uses of one bundle {int(uses.max())}"
    )
    assert distance < 0.03
    # half of the draws go to the 125 of the even sample of history; about 125 * (1 + ln(count / 125)) were ever in it
    assert effective > 0.8 * 125 * (1 + np.log(count / 125))


def test_rare_classes_stay_by_quota_and_history_is_even():
    rider, ages = NAMES_16.index("rider"), []
    for seed in range(6):
        reservoir = Reservoir(100, 8, seed=seed, quota=4)
        rare = []
        for index in range(300):
            bundle = street(index, seed=seed)
            bundle.mask[bundle.mask == 13] = 1
            if index < 100 and index % 10 == 0:  # seen early, and never again
                bundle.mask[0, :20] = 13
                rare.append(index)
            reservoir.add(slot(bundle))
        kept = {entry.index: entry for entry in reservoir._entries}
        assert set(rare[-4:]) <= kept.keys()
        assert all(kept[index].shares[rider] > MIN_SHARE for index in rare[-4:])
        assert {296, 297, 298, 299} <= kept.keys()
        ages += [entry.age for entry in reservoir._entries if entry.history]
    # the sample of history is even: its ages are as likely early as late
    assert stats.kstest(ages, stats.uniform(0, 300).cdf).pvalue > 0.01


def test_most_used_leaves_first():
    reservoir = Reservoir(12, 8, seed=0, temperature=np.inf, quota=0, keep_newest=1)
    for index in range(12):
        reservoir.add(slot(street(index)))
    for iteration in range(200):
        reservoir.draw(iteration, 0)
    free = [entry for entry in reservoir._entries if not entry.history and entry.age < 12]
    most = max(entry.uses for entry in free)
    before = {entry.index for entry in reservoir._entries}
    reservoir.add(slot(street(12)))
    (gone,) = before - {entry.index for entry in reservoir._entries}
    assert gone in {entry.index for entry in free if entry.uses == most}


def test_bundles_made_on_demand_do_not_count():
    one, two = Reservoir(8, 8, seed=0), Reservoir(8, 8, seed=0)
    for index in range(4):
        one.add(slot(street(index)))
        two.add(slot(street(index)))
    two.add(slot(street(9, meta={"shaped": True})))
    assert np.array_equal(one.frequencies.values, two.frequencies.values)
    assert len(two) == 5


def test_frequencies_by_hand():
    """Two images of 100 pixels; the prior of 16 even shares is worth one image: (n + 100/16) / 300."""
    found = ClassFrequencies(census=2, interval=10, prior_images=1)
    assert found.at(0) == pytest.approx([1 / 16] * 16)
    pixels = np.zeros(16, np.int64)
    pixels[0], pixels[5] = 90, 10
    found.add(pixels)
    found.add(pixels)
    assert found.at(1)[[0, 5, 7]] == pytest.approx([(180 + 6.25) / 300, (20 + 6.25) / 300, 6.25 / 300])
    found.add(pixels[::-1])  # the census is over: nothing moves until iteration 10
    before = found.at(9).copy()
    assert np.array_equal(found.values, before)
    assert found.at(10)[15] == pytest.approx((90 + 6.25) / 400)
    again = ClassFrequencies(census=2, interval=10, prior_images=1)
    again.load_state_dict(found.state_dict())
    again.add(pixels)
    found.add(pixels)
    assert np.array_equal(again.at(20), found.at(20))


def test_class_that_nobody_shows_is_counted_as_starved_and_another_drawn():
    reservoir = Reservoir(4, 8, seed=0, frequencies=ClassFrequencies(prior_images=0))
    bundle = street(0)
    bundle.mask[:] = 1
    bundle.mask[:4] = 14
    reservoir.add(slot(bundle))
    drawn = [reservoir.draw(iteration, 0).wanted for iteration in range(50)]
    assert set(drawn) == {NAMES_16.index("car")}
    assert reservoir.starved.sum() == 50
    assert reservoir.starved[NAMES_16.index("road")] == 0


def test_dropped_classes_are_never_drawn_for():
    reservoir = Reservoir(30, 8, seed=0, dropped_classes=["rider", "bicycle"])
    for index in range(30):
        reservoir.add(slot(street(index)))
    wanted = {reservoir.draw(iteration, 0).wanted for iteration in range(500)}
    assert not wanted & {NAMES_16.index("rider"), NAMES_16.index("bicycle")}
    assert len(wanted) > 5
    with pytest.raises(InputError, match="got unicorn"):
        Reservoir(4, 8, seed=0, dropped_classes=["unicorn"])
    with pytest.raises(InputError, match="expected 16 shares"):
        ClassFrequencies(prior=[0.5, 0.5])


def test_state_goes_on_where_it_was():
    def filled(stop, reservoir=None, start=0):
        reservoir = reservoir or Reservoir(16, 8, seed=2)
        for index in range(start, stop):
            reservoir.add(slot(street(index)))
            reservoir.draw(index, 0)
        return reservoir

    whole, half = filled(60), filled(35)
    again = Reservoir(16, 8, seed=2)
    again.load_state_dict(half.state_dict())
    assert again.absent() == sorted(entry.index for entry in half._entries)
    with pytest.raises(ValueError, match="to have been fetched again"):
        again.draw(35, 0)
    for index in again.absent():
        _, same = again.refill(slot(street(index)))
        assert same
    assert filled(60, again, 35).state_dict() == whole.state_dict()
    with pytest.raises(InputError, match="room for 16 bundles, got capacity 5"):
        Reservoir(5, 8, seed=2).load_state_dict(half.state_dict())
