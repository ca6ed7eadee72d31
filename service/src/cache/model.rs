//! The protocol of the levels, searched through: every order in which two gateways, a writer, a bus that may lose messages,
//! a Redis that may forget or fall back and replicas that may be behind can take their steps, within bounds.
//!
//! One event, of which two kinds of entries are kept: what was read of it, with the revision, at both levels; and finished
//! answers, which say none, in the memory alone, made of what is read or of what is kept of it. What was read is carried on
//! over commits that were heard of. What has to hold of every answer:
//! - it is not older than what was shown at the same gateway before it was asked for;
//! - once a commit is told and heard, it is not older than that.

use std::collections::{HashSet, VecDeque};

type Revision = u8;

/// Questions of each reader, one after the other: who has seen something asks again, anybody else asks once.
const QUESTIONS: [[u8; READERS]; GATEWAYS] = [[2, 1], [1, 1]];
const GATEWAYS: usize = 2;
/// Of a gateway at most.
const READERS: usize = 2;
const KINDS: usize = 2;
/// The kind that says its revision.
const READ: usize = 0;

/// What a variant of the protocol leaves out, to see that the search finds what comes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Without {
    Nothing,
    /// A fill is taken whatever happened since its lease was given.
    FencesOnFill,
    /// A fence of another run of the server is believed.
    Runs,
    /// A commit that is read before it is told is not taken in.
    Outdating,
    /// An entry is believed though a newer revision is known.
    Labels,
    /// What was kept before messages were lost is believed.
    Distrust,
    /// What was read from a replica after something newer was read elsewhere is kept.
    Overtaking,
    /// What is kept is carried on while a commit is being taken in.
    Motion,
    /// A replica is read from that has what this process knows of, though more may be committed.
    Asking,
}

/// A fence in Redis: the run of the server, and a number that is used once.
type Fence = (u8, u8);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Redis {
    fence: Option<Fence>,
    entry: Option<(Fence, Revision)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Step {
    #[default]
    Idle,
    /// The memory was looked at: its fence, if it is to be trusted.
    Memory(Option<u8>),
    /// What was read earlier may be carried on, to be kept under the second fence; what comes of it under the first.
    Held(Option<u8>, u8, Revision),
    /// Redis was looked at.
    Redis(Option<u8>, Option<Fence>),
    /// It is known what a replica must have to be read from.
    Asked(Option<u8>, Option<Fence>, Revision),
    /// The database was read.
    Read(Option<u8>, Option<Fence>, Revision),
    /// The memory is filled, or was refused.
    Filled(Option<Fence>, Revision),
    Answer(Revision),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Reader {
    step: Step,
    kind: usize,
    asked: u8,
    /// An older answer than this would be wrong.
    floor: Revision,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Gateway {
    fence: u8,
    memory: [Option<(u8, Revision)>; KINDS],
    distrusts: bool,
    /// Messages are lost, and nobody knows yet.
    deaf: bool,
    /// Commits are told one by one, and heard before the next.
    inbox: Option<Revision>,
    /// What is being taken in: its fence is raised.
    moving: Option<Revision>,
    /// Commits that were heard of, a bit for each.
    heard: u8,
    /// The newest revision that was told or read; 0 for none.
    latest: Revision,
    /// The newest revision in an answer.
    shown: Revision,
    readers: [Reader; READERS],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct World {
    stored: Revision,
    /// Committed, and not yet told to Redis; not yet told on the bus.
    untold: [Option<Revision>; 2],
    redis: Redis,
    replica: Option<Redis>,
    run: u8,
    fences: u8,
    /// Something was forgotten or lost, or a gateway was replaced: once is enough.
    happened: bool,
    gateways: [Gateway; GATEWAYS],
}

/// What else happens, at any time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    /// A fence or an entry is forgotten.
    Eviction,
    /// Redis falls back to what a replica or a snapshot has, and a gateway is replaced by one that has heard of nothing.
    Failover,
    /// A gateway does not hear what is told, and notices later.
    Loss,
    /// What is read comes from replicas that may be behind, and a gateway is replaced by one that has heard of nothing.
    Lag,
    /// Nothing but the commits.
    None,
}

const ONE_GATEWAY: [usize; GATEWAYS] = [2, 0];
const BOTH_GATEWAYS: [usize; GATEWAYS] = [1, 1];

/// What the memory has.
enum Kept {
    Current(Revision),
    /// Of before the fence was raised, which stands so.
    Former(u8, Revision),
    Nothing,
}

struct Search {
    without: Without,
    trouble: Trouble,
    /// Readers at the first gateway and at the second.
    readers: [usize; GATEWAYS],
    commits: Revision,
}

impl Search {
    fn start() -> World {
        World { stored: 1, ..World::default() }
    }

    /// How many states there are, or what went wrong in one.
    fn run(&self) -> Result<usize, String> {
        let mut seen = HashSet::new();
        let mut next = VecDeque::from([Self::start()]);
        while let Some(world) = next.pop_front() {
            let mut after = Vec::new();
            self.writer(&world, &mut after);
            self.surroundings(&world, &mut after);
            for gateway in (0..GATEWAYS).filter(|gateway| self.readers[*gateway] > 0) {
                self.bus(&world, gateway, &mut after);
                for reader in 0..self.readers[gateway] {
                    self.reader(&world, gateway, reader, &mut after)?;
                }
            }
            next.extend(after.into_iter().filter(|world| seen.insert(*world)));
        }
        Ok(seen.len())
    }

    fn writer(&self, world: &World, after: &mut Vec<World>) {
        let untold = world.untold.iter().flatten().count();
        if untold == 0 && world.stored <= self.commits {
            let mut next = *world;
            next.stored += 1;
            next.untold = [Some(next.stored); 2];
            after.push(next);
        }
        // Redis first, the bus second.
        let turn = usize::from(world.untold[0].is_none());
        let has_heard = |gateway: &Gateway| gateway.inbox.is_none() && gateway.moving.is_none();
        let mut with_readers = world.gateways.iter().zip(self.readers).filter(|(_, readers)| *readers > 0);
        if turn == 1 && !with_readers.all(|(gateway, _)| has_heard(gateway)) {
            return;
        }
        let mut next = *world;
        let Some(revision) = next.untold[turn].take() else { return };
        if turn == 0 {
            next.redis = Redis::default();
        } else {
            for gateway in next.gateways.iter_mut().filter(|gateway| !gateway.deaf) {
                gateway.inbox = Some(revision);
            }
        }
        after.push(next);
    }

    /// Redis forgets something, or falls back to what a replica or a snapshot has.
    fn surroundings(&self, world: &World, after: &mut Vec<World>) {
        if self.trouble == Trouble::Eviction && !world.happened {
            let mut without_fence = *world;
            without_fence.happened = true;
            let mut without_entry = without_fence;
            without_fence.redis.fence = None;
            without_entry.redis.entry = None;
            let mut without_memory = *world;
            without_memory.happened = true;
            without_memory.gateways[0].memory[READ] = None;
            after.extend([without_fence, without_entry, without_memory]);
        }
        let first = &world.gateways[0];
        if matches!(self.trouble, Trouble::Failover | Trouble::Lag)
            && !world.happened
            && first.readers.iter().all(|reader| reader.step == Step::Idle)
        {
            let mut next = *world;
            next.happened = true;
            next.gateways[0] = Gateway { readers: first.readers, ..Gateway::default() };
            after.push(next);
        }
        match &world.replica {
            _ if self.trouble != Trouble::Failover => {}
            // Later ones hold nothing that is older than what is told.
            None if world.untold[0].is_none() && world.stored > self.commits => {}
            None => after.push(World { replica: Some(world.redis), ..*world }),
            Some(replica) if world.run == 0 => {
                after.push(World { redis: *replica, run: 1, ..*world });
            }
            Some(_) => {}
        }
    }

    fn bus(&self, world: &World, index: usize, after: &mut Vec<World>) {
        let gateway = &world.gateways[index];
        let mut next = *world;
        let changed = &mut next.gateways[index];
        if let Some(revision) = changed.moving.take() {
            changed.latest = changed.latest.max(revision);
            changed.heard |= 1 << revision;
            if self.without != Without::Motion {
                changed.fence += 1;
            }
            after.push(next);
            return;
        }
        if let Some(revision) = changed.inbox.take() {
            changed.fence += 1;
            // Elsewhere at once, to have fewer states.
            if self.trouble == Trouble::None {
                changed.moving = Some(revision);
            } else {
                changed.latest = changed.latest.max(revision);
                changed.heard |= 1 << revision;
            }
            after.push(next);
            return;
        }
        if gateway.deaf {
            // It is noticed: nothing is believed until messages are heard again.
            changed.deaf = false;
            if self.without != Without::Distrust {
                changed.distrusts = true;
                changed.fence += 1;
            }
            after.push(next);
        } else if gateway.distrusts {
            changed.distrusts = false;
            changed.fence += 1;
            changed.memory = Default::default();
            after.push(next);
        } else if self.trouble == Trouble::Loss && index == 0 && !world.happened {
            next.happened = true;
            next.gateways[index].deaf = true;
            after.push(next);
        }
    }

    fn reader(&self, world: &World, at: usize, index: usize, after: &mut Vec<World>) -> Result<(), String> {
        let reader = &world.gateways[at].readers[index];
        let kind = reader.kind;
        let mut next = *world;
        let gateway = &mut next.gateways[at];
        let to = match reader.step {
            Step::Idle if reader.asked == QUESTIONS[at][index] => return Ok(()),
            Step::Idle => {
                let floor = Self::floor(world, gateway);
                for kind in 0..KINDS {
                    let mut next = *world;
                    let gateway = &mut next.gateways[at];
                    let fence = self.fence(gateway);
                    let step = match self.kept(gateway, kind) {
                        Kept::Current(revision) => Step::Answer(revision),
                        Kept::Former(fence, revision) if kind == READ => {
                            Step::Held(Some(fence), fence, revision)
                        }
                        _ => Step::Memory(fence),
                    };
                    let asked = reader.asked + 1;
                    gateway.readers[index] = Reader { step, kind, asked, floor };
                    after.push(next);
                }
                return Ok(());
            }
            Step::Memory(memory) if kind != READ => match self.kept(gateway, READ) {
                Kept::Current(revision) => Step::Read(memory, None, revision),
                Kept::Former(fence, revision) => Step::Held(memory, fence, revision),
                Kept::Nothing => Step::Redis(memory, None),
            },
            Step::Held(memory, fence, earlier) => match self.carry(gateway, fence, earlier) {
                Some(later) if kind == READ => Step::Answer(later),
                Some(later) => Step::Read(memory, None, later),
                None if kind == READ => Step::Memory(memory),
                None => Step::Redis(memory, None),
            },
            Step::Memory(memory) => {
                let owned = |fence: &Fence| self.without == Without::Runs || fence.0 == world.run;
                let fence = world.redis.fence.filter(owned);
                let kept = world.redis.entry.filter(|(filled, _)| Some(*filled) == fence);
                if let Some((_, revision)) = kept {
                    self.fill(gateway, kind, memory, revision);
                    if self.is_current(gateway, kind, revision) {
                        self.found(gateway, revision);
                        Step::Answer(revision)
                    } else {
                        Step::Redis(memory, fence)
                    }
                } else {
                    let fence = fence.unwrap_or_else(|| {
                        next.fences += 1;
                        (next.run, next.fences)
                    });
                    next.redis.fence = Some(fence);
                    Step::Redis(memory, Some(fence))
                }
            }
            Step::Redis(memory, redis) if self.trouble == Trouble::Lag => {
                let known = gateway.latest.max(Self::start().stored);
                let needed = if self.without == Without::Asking { known } else { world.stored };
                Step::Asked(memory, redis, needed)
            }
            Step::Asked(memory, redis, needed) => {
                for revision in needed..=world.stored {
                    let mut next = *world;
                    let gateway = &mut next.gateways[at];
                    self.found(gateway, revision);
                    gateway.readers[index].step = Step::Read(memory, redis, revision);
                    after.push(next);
                }
                return Ok(());
            }
            Step::Redis(memory, redis) => {
                self.found(gateway, world.stored);
                Step::Read(memory, redis, world.stored)
            }
            Step::Read(memory, redis, revision) => {
                self.fill(gateway, kind, memory, revision);
                Step::Filled(redis, revision)
            }
            Step::Filled(redis, revision) => {
                let taken = redis.filter(|redis| {
                    self.without == Without::FencesOnFill || world.redis.fence == Some(*redis)
                });
                if let Some(fence) = taken {
                    next.redis.entry = Some((fence, revision));
                }
                Step::Answer(revision)
            }
            Step::Answer(revision) if revision < reader.floor => {
                return Err(format!("{revision} instead of {} in {world:#?}", reader.floor));
            }
            Step::Answer(revision) => {
                gateway.shown = gateway.shown.max(revision);
                Step::Idle
            }
        };
        next.gateways[at].readers[index].step = to;
        after.push(next);
        Ok(())
    }

    /// The fence, unless it is in motion or nothing is believed.
    fn fence(&self, gateway: &Gateway) -> Option<u8> {
        let is_settled = gateway.moving.is_none() || self.without == Without::Motion;
        (!gateway.distrusts && is_settled).then_some(gateway.fence)
    }

    fn kept(&self, gateway: &Gateway, kind: usize) -> Kept {
        match (self.fence(gateway), gateway.memory[kind]) {
            (Some(fence), Some((filled, revision))) if filled == fence => {
                if self.is_current(gateway, kind, revision) { Kept::Current(revision) } else { Kept::Nothing }
            }
            (Some(fence), Some((_, revision))) => Kept::Former(fence, revision),
            _ => Kept::Nothing,
        }
    }

    /// What an answer to somebody who asks now must not fall behind.
    fn floor(world: &World, gateway: &Gateway) -> Revision {
        let heard = gateway.inbox.is_none() && gateway.moving.is_none() && !gateway.deaf;
        let told = world.untold == [None; 2] && heard;
        if told && !gateway.distrusts { world.stored } else { gateway.shown }
    }

    /// What was kept and is carried on over the commits since, if each was heard of.
    fn carry(&self, gateway: &mut Gateway, fence: u8, earlier: Revision) -> Option<Revision> {
        let later = gateway.latest;
        let are_heard = (earlier + 1..=later).all(|revision| gateway.heard & (1 << revision) != 0);
        let carried = (earlier < later && are_heard).then_some(later)?;
        self.fill(gateway, READ, Some(fence), carried);
        Some(carried)
    }

    /// What is read is taken in, told or not.
    fn found(&self, gateway: &mut Gateway, revision: Revision) {
        let is_outdating = revision > gateway.latest && self.without != Without::Outdating;
        let is_outdated = revision < gateway.latest && self.without != Without::Overtaking;
        if gateway.latest != 0 && (is_outdating || is_outdated) {
            gateway.fence += 1;
        }
        gateway.latest = gateway.latest.max(revision);
    }

    fn is_current(&self, gateway: &Gateway, kind: usize, revision: Revision) -> bool {
        kind != READ || self.without == Without::Labels || revision >= gateway.latest
    }

    fn fill(&self, gateway: &mut Gateway, kind: usize, lease: Option<u8>, revision: Revision) {
        if let Some(fence) = lease
            && (fence == gateway.fence || self.without == Without::FencesOnFill)
        {
            gateway.memory[kind] = Some((gateway.fence, revision));
        }
    }
}

fn no_answer_falls_behind(trouble: Trouble, readers: [usize; GATEWAYS]) {
    let states = Search { without: Without::Nothing, trouble, readers, commits: 1 }.run();
    assert!(states.unwrap() > 100_000, "it is no search");
}

#[test]
fn no_answer_falls_behind_where_what_is_kept_is_carried_on() {
    let states =
        Search { without: Without::Nothing, trouble: Trouble::None, readers: ONE_GATEWAY, commits: 2 }.run();
    assert!(states.unwrap() > 100_000, "it is no search");
}

#[test]
fn no_answer_falls_behind_where_something_is_forgotten() {
    no_answer_falls_behind(Trouble::Eviction, ONE_GATEWAY);
    no_answer_falls_behind(Trouble::Eviction, BOTH_GATEWAYS);
}

#[test]
fn no_answer_falls_behind_where_redis_falls_back() {
    no_answer_falls_behind(Trouble::Failover, ONE_GATEWAY);
}

#[test]
fn no_answer_falls_behind_where_messages_are_lost() {
    no_answer_falls_behind(Trouble::Loss, BOTH_GATEWAYS);
}

#[test]
fn no_answer_falls_behind_where_replicas_do() {
    no_answer_falls_behind(Trouble::Lag, ONE_GATEWAY);
    no_answer_falls_behind(Trouble::Lag, BOTH_GATEWAYS);
}

#[test]
fn each_part_of_the_protocol_is_needed() {
    for (without, trouble, commits) in [
        (Without::FencesOnFill, Trouble::Eviction, 1),
        (Without::Runs, Trouble::Failover, 1),
        (Without::Outdating, Trouble::Eviction, 1),
        (Without::Labels, Trouble::Eviction, 1),
        (Without::Distrust, Trouble::Loss, 1),
        (Without::Overtaking, Trouble::Lag, 1),
        (Without::Asking, Trouble::Lag, 1),
        (Without::Motion, Trouble::None, 2),
    ] {
        let search = |readers| Search { without, trouble, readers, commits }.run().is_err();
        let found = search(ONE_GATEWAY) || search(BOTH_GATEWAYS);
        assert!(found, "nothing comes of leaving out {without:?}");
    }
}
