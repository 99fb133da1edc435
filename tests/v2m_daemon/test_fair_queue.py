"""Who is next: properties of the queue by itself."""

from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.jobs.queue import FairQueue, Waiting

CLIENTS = ("editor", "watcher", "cli")
arrivals = st.lists(st.tuples(st.sampled_from(CLIENTS), st.integers(-1, 1)), max_size=30)


def filled(jobs: list[tuple[str, int]]) -> FairQueue:
    queue = FairQueue()
    for seq, (client, priority) in enumerate(jobs):
        queue.put(Waiting(f"{seq}", client, priority, seq))
    return queue


def served(queue: FairQueue) -> list[Waiting]:
    order = []
    while (first := queue.first()) is not None:
        queue.serve(first.job_id)
        order.append(first)
    return order


@given(arrivals)
def test_everybody_is_served_once(jobs: list[tuple[str, int]]) -> None:
    queue = filled(jobs)
    assert len(queue) == len(jobs)
    order = served(queue)
    assert sorted(int(one.job_id) for one in order) == list(range(len(jobs)))
    assert len(queue) == 0


@given(arrivals)
def test_the_urgent_go_first(jobs: list[tuple[str, int]]) -> None:
    priorities = [one.priority for one in served(filled(jobs))]
    assert priorities == sorted(priorities, reverse=True)


@given(arrivals)
def test_a_client_waits_for_no_more_than_one_job_of_each_other(jobs: list[tuple[str, int]]) -> None:
    order = served(filled([(client, 0) for client, _ in jobs]))
    for position, one in enumerate(order):
        mine_after = [n for n, other in enumerate(order) if other.client == one.client and n > position]
        between = order[position + 1 : mine_after[0]] if mine_after else []
        for client in CLIENTS:
            assert sum(other.client == client for other in between) <= 1


@given(arrivals)
def test_each_client_is_served_in_its_own_order(jobs: list[tuple[str, int]]) -> None:
    for client in CLIENTS:
        for priority in (-1, 0, 1):
            mine = [o.seq for o in served(filled(jobs)) if (o.client, o.priority) == (client, priority)]
            assert mine == sorted(mine)


@given(arrivals, st.data())
def test_what_is_removed_or_put_twice_changes_nothing_else(
    jobs: list[tuple[str, int]], data: st.DataObject
) -> None:
    queue, gone = filled(jobs), set()
    for seq in range(len(jobs)):
        if data.draw(st.booleans()):
            gone.add(f"{seq}")
            queue.remove(f"{seq}")
            queue.remove(f"{seq}")
        else:
            queue.put(Waiting(f"{seq}", "another", 9, 0))
    assert {one.job_id for one in queue} == {f"{n}" for n in range(len(jobs))} - gone
    left = [(client, priority) for n, (client, priority) in enumerate(jobs) if f"{n}" not in gone]
    assert sorted((one.client, one.priority) for one in served(queue)) == sorted(left)
    assert not queue._clients  # names do not pile up
    assert not queue._served
