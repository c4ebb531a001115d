"""Each epoch visits everything once, in an order that nothing needs to remember."""

from __future__ import annotations

from collections import Counter

from unmask.data.order import Order
from unmask.data.rows import fingerprint


def test_every_epoch_has_an_order_of_its_own():
    order = Order(50, seed=1)
    epochs = [[order.place(epoch * 50 + turn)[1] for turn in range(50)] for epoch in range(4)]
    assert all(sorted(each) == list(range(50)) for each in epochs)
    assert len({tuple(each) for each in epochs}) == 4


def test_the_epoch_is_told():
    assert [Order(3, seed=0).place(sample)[0] for sample in range(7)] == [0, 0, 0, 1, 1, 1, 2]


def test_another_seed_is_another_order():
    orders = [tuple(Order(50, seed=seed).place(turn)[1] for turn in range(50)) for seed in range(3)]
    assert len(set(orders)) == 3


def test_all_orders_of_three_things_come_up_as_often():
    order = Order(3, seed=7)
    seen = Counter(tuple(order.place(3 * epoch + turn)[1] for turn in range(3)) for epoch in range(3_000))
    # 5 degrees of freedom; a fair shuffle is above 25.7 once in ten thousand seeds.
    assert len(seen) == 6
    assert sum((count - 500) ** 2 / 500 for count in seen.values()) < 25.7


def test_going_back_to_an_epoch_finds_it_as_it_was():
    order = Order(20, seed=3)
    samples = [5, 65, 45, 5, 25, 65, 105, 5]
    assert [order.place(sample) for sample in samples] == [Order(20, seed=3).place(sample) for sample in samples]


def test_a_fingerprint_tells_apart_what_its_parts_do():
    names = [fingerprint("a", 1), fingerprint("a", 2), fingerprint("a", "1"), fingerprint("a1"), fingerprint("a", 1)]
    assert len(set(names)) == 4
