//! Whose endpoints are next, in the memory of this server.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::store::Candidate;
use crate::domain::ProjectId;

/// The most pieces of work of one project at a time: the others always find a place.
const PIECES_PER_PROJECT: usize = 64;
/// The most pieces for endpoints that fail again and again: those that work always find a place.
const PIECES_OF_FAILING: usize = 96;

/// What is known of projects with endpoints. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct Turns {
    projects: Arc<Mutex<HashMap<ProjectId, Project>>>,
    failing: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Project {
    candidates: VecDeque<Candidate>,
    pieces: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { projects: Arc::default(), failing: Arc::new(Semaphore::new(PIECES_OF_FAILING)) }
    }
}

/// A place for a piece of work, until it is dropped.
#[derive(Debug)]
pub struct Place {
    turns: Turns,
    project: ProjectId,
    _failing: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(project) = self.turns.projects().get_mut(&self.project) {
            project.pieces -= 1;
        }
    }
}

impl Turns {
    /// There are endpoints in this project: its changes matter.
    pub fn watch(&self, project: ProjectId) {
        self.projects().entry(project).or_default();
    }

    /// Whether the changes of a project matter.
    #[must_use]
    pub fn is_watched(&self, project: ProjectId) -> bool {
        self.projects().contains_key(&project)
    }

    /// Keeps only what was found in a look at all projects.
    pub fn keep(&self, found: &HashSet<ProjectId>) {
        self.projects().retain(|id, project| project.pieces > 0 || found.contains(id));
    }

    /// Whether a project may have one more piece of work.
    #[must_use]
    pub fn has_place(&self, project: ProjectId) -> bool {
        self.projects().get(&project).is_none_or(|project| project.pieces < PIECES_PER_PROJECT)
    }

    /// These endpoints of a project are next.
    pub fn add(&self, project: ProjectId, candidates: Vec<Candidate>) {
        self.projects().entry(project).or_default().candidates.extend(candidates);
    }

    /// The next endpoint of a project for which there is a place. Those without one are found again later.
    #[must_use]
    pub fn next(&self, project: ProjectId) -> Option<(Candidate, Place)> {
        let mut projects = self.projects();
        let of_project = projects.get_mut(&project)?;
        while let Some(candidate) = of_project.candidates.pop_front() {
            let failing = if candidate.is_failing() {
                let Ok(permit) = Arc::clone(&self.failing).try_acquire_owned() else { continue };
                Some(permit)
            } else {
                None
            };
            of_project.pieces += 1;
            return Some((candidate, Place { turns: self.clone(), project, _failing: failing }));
        }
        None
    }

    fn projects(&self) -> MutexGuard<'_, HashMap<ProjectId, Project>> {
        // A panic elsewhere leaves a map that is whole.
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
