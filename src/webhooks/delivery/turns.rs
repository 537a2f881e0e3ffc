//! Whose endpoints are next, in the memory of this server.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::store::Candidate;
use crate::domain::ProjectId;
use crate::jobs::{Queue, Woken};

/// The most pieces of work at a time. Those that are slow do not count (`slow.rs`).
const PIECES: usize = 256;
/// The most of one project: the others always find a place.
const PIECES_PER_PROJECT: usize = 64;
/// The most for endpoints that fail again and again, beside all others: those that work always find a place.
const PIECES_OF_FAILING: usize = 96;

/// What is known of projects with endpoints. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct Turns {
    state: Arc<Mutex<State>>,
    failing: Arc<Semaphore>,
    woken: Woken<ProjectId>,
}

#[derive(Debug, Default)]
struct State {
    projects: HashMap<ProjectId, Project>,
    pieces: usize,
    /// Projects that found no place.
    waiting: Queue<ProjectId>,
}

#[derive(Debug, Default)]
struct Project {
    candidates: VecDeque<Candidate>,
    pieces: usize,
}

/// A place for a piece of work, until it is dropped.
#[derive(Debug)]
pub struct Place {
    turns: Turns,
    project: ProjectId,
    failing: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if self.failing.is_none() {
            state.pieces -= 1;
        }
        if let Some(project) = state.projects.get_mut(&self.project) {
            project.pieces -= 1;
        }
        let State { projects, waiting, .. } = &mut *state;
        let has_room = |id: &ProjectId| projects.get(id).is_none_or(Project::has_room);
        if let Some(next) = waiting.pop(has_room) {
            self.turns.woken.wake(next);
        }
    }
}

impl Project {
    fn has_room(&self) -> bool {
        self.pieces < PIECES_PER_PROJECT
    }
}

impl Turns {
    /// Wakes projects that waited for a place.
    #[must_use]
    pub fn new(woken: Woken<ProjectId>) -> Self {
        Self { state: Arc::default(), failing: Arc::new(Semaphore::new(PIECES_OF_FAILING)), woken }
    }

    /// There are endpoints in this project: its changes matter.
    pub fn watch(&self, project: ProjectId) {
        self.state().projects.entry(project).or_default();
    }

    /// Whether the changes of a project matter.
    #[must_use]
    pub fn is_watched(&self, project: ProjectId) -> bool {
        self.state().projects.contains_key(&project)
    }

    /// Keeps only what was found in a look at all projects.
    pub fn keep(&self, found: &HashSet<ProjectId>) {
        self.state().projects.retain(|id, project| project.pieces > 0 || found.contains(id));
    }

    /// Whether a project may have one more piece of work. If not, it is woken when there is a place.
    #[must_use]
    pub fn has_place(&self, project: ProjectId) -> bool {
        let mut state = self.state();
        let has_room = state.projects.get(&project).is_none_or(Project::has_room) && state.pieces < PIECES;
        if !has_room {
            state.waiting.push(project);
        }
        has_room
    }

    /// These endpoints of a project are next.
    pub fn add(&self, project: ProjectId, candidates: Vec<Candidate>) {
        self.state().projects.entry(project).or_default().candidates.extend(candidates);
    }

    /// The next endpoint of a project for which there is a place. Those that fail and find none are found again later.
    #[must_use]
    pub fn next(&self, project: ProjectId) -> Option<(Candidate, Place)> {
        let mut state = self.state();
        let State { projects, pieces, .. } = &mut *state;
        let of_project = projects.get_mut(&project)?;
        while let Some(candidate) = of_project.candidates.pop_front() {
            let failing = if candidate.is_failing() {
                let Ok(permit) = Arc::clone(&self.failing).try_acquire_owned() else { continue };
                Some(permit)
            } else {
                *pieces += 1;
                None
            };
            of_project.pieces += 1;
            return Some((candidate, Place { turns: self.clone(), project, failing }));
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a state that is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
